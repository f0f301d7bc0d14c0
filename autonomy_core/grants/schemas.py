"""The JSON representation of grants, for staff."""

from __future__ import annotations

from marshmallow import fields, validate

from autonomy_core.customers.schemas import ReasonSchema
from autonomy_core.fields import Identifier, Timestamp
from autonomy_core.web.schemas import ApiSchema


class NewGrantSchema(ReasonSchema):
    """A product that staff give, and why."""

    product_id = Identifier(required=True, metadata={"description": "a product or a bundle"})


class GrantSchema(ApiSchema):
    """A customer's right to a product."""

    id = fields.UUID(required=True)
    product_id = fields.UUID(required=True)
    title = fields.String(attribute="product.title", required=True)
    environment = fields.String(required=True, validate=validate.OneOf(["test", "live"]))
    payment_id = fields.UUID(required=True, allow_none=True, metadata={"description": "null if it was given"})
    granted_at = Timestamp(required=True)
    given_by = fields.String(
        required=True, allow_none=True, metadata={"description": "who gave it; null if it was bought"}
    )
    given_because = fields.String(required=True, allow_none=True)
    revoked_at = Timestamp(required=True, allow_none=True)
    revoked_because = fields.String(required=True, allow_none=True)


class GivenSchema(ApiSchema):
    """What staff gave: of a bundle, a grant for each item that was missing."""

    items = fields.List(fields.Nested(GrantSchema), required=True)
