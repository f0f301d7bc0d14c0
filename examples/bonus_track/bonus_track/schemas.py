"""Bonuses on the wire."""

from __future__ import annotations

from marshmallow import fields

from autonomy_core.plugin_api.schemas import ApiSchema, Timestamp


class BonusSchema(ApiSchema):
    """A bonus as its customer sees it."""

    id = fields.UUID(required=True)
    product_id = fields.UUID(required=True, metadata={"description": "what was given"})
    payment_id = fields.UUID(required=True, metadata={"description": "for which payment"})
    given_at = Timestamp(required=True)


class AdminBonusSchema(BonusSchema):
    """A bonus as staff see it."""

    customer_id = fields.UUID(required=True)
    environment = fields.String(required=True, metadata={"example": "live"})
