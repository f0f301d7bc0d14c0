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


STATUS_MEANINGS = """\
- `pending`: the buyer may still pay
- `processing`: the money is on its way, for example by a bank debit, which takes days
- `expired`: the buyer did not pay in time
- `failed`: the payment, or its checkout, was refused
- `completed`: the money has arrived, and the product is the buyer's
"""


def _return_url(description: str) -> fields.Url:
    return fields.Url(
        schemes={"http", "https"},
        require_tld=False,
        validate=RETURN_URL,
        metadata={"description": f"{description}; on one of the organisation's hosts or the server's own"},
    )


class PaymentSchema(ApiSchema):
    """A payment, as its customer sees it."""

    id = fields.UUID(required=True)
    product_id = fields.UUID(required=True)
    status = fields.String(
        required=True,
        validate=validate.OneOf([str(status) for status in PaymentStatus]),
        metadata={"description": STATUS_MEANINGS},
    )
    amount = fields.Integer(required=True, metadata={"description": "in the minor unit of the currency"})
    currency = fields.String(required=True, metadata={"description": "ISO 4217, lower case"})
    environment = fields.String(required=True, validate=validate.OneOf(["test", "live"]))
    created_at = Timestamp(required=True)
    completed_at = Timestamp(required=True, allow_none=True)


class PurchaseSchema(ApiSchema):
    """Where the buyer goes after the checkout; without it to the API's own address, no page for buyers."""

    success_url = _return_url(
        "where the buyer goes after paying, with `payment_id` appended to the query by the return page"
    )
    cancel_url = _return_url("where the buyer goes who turns back on the checkout page")


class PurchaseAnswerSchema(ApiSchema):
    """The payment that has been opened, and where the buyer pays."""

    payment = fields.Nested(PaymentSchema, required=True)
    checkout_url = fields.String(required=True, metadata={"description": "send the buyer's browser here"})
