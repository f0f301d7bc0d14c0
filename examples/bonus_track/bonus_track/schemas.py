"""The JSON representation of bonuses."""

from __future__ import annotations

from marshmallow import fields

from autonomy_core.plugin_api.schemas import ApiSchema, Timestamp


class BonusSchema(ApiSchema):
    """A bonus, for its customer."""

    id = fields.UUID(required=True)
    product_id = fields.UUID(required=True, metadata={"description": "the bonus product"})
    payment_id = fields.UUID(required=True, metadata={"description": "the payment that earned it"})
    given_at = Timestamp(required=True)


class AdminBonusSchema(BonusSchema):
    """A bonus, for staff."""

    customer_id = fields.UUID(required=True)
    environment = fields.String(required=True, metadata={"example": "live"})
