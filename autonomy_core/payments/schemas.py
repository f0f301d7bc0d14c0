"""Payments on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from autonomy_core.payments.domain import PaymentStatus
from autonomy_core.plugin_api.schemas import ApiSchema, Timestamp

RETURN_URL = (
    validate.Length(1, 1000),
    # It becomes a header, and Stripe's parameter.
    validate.Regexp(r"^[!-~]*\Z", error="Percent-encode what is not ASCII."),
)


class PaymentSchema(ApiSchema):
    """A payment, as its customer sees it."""

    id = fields.UUID(required=True)
    product_id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf([str(status) for status in PaymentStatus]))
    amount = fields.Integer(required=True, metadata={"description": "in the minor unit of the currency"})
    currency = fields.String(required=True, metadata={"description": "ISO 4217, lower case"})
    environment = fields.String(required=True, validate=validate.OneOf(["test", "live"]))
    created_at = Timestamp(required=True)
    completed_at = Timestamp(required=True, allow_none=True)


class PurchaseSchema(ApiSchema):
    """Where the buyer goes after the checkout; on the organisation's own hosts."""

    success_url = fields.Url(schemes={"http", "https"}, require_tld=False, validate=RETURN_URL)
    cancel_url = fields.Url(schemes={"http", "https"}, require_tld=False, validate=RETURN_URL)


class PurchaseAnswerSchema(ApiSchema):
    """The payment that has been opened, and where the buyer pays."""

    payment = fields.Nested(PaymentSchema, required=True)
    checkout_url = fields.String(required=True, metadata={"description": "send the buyer's browser here"})
