"""Payments on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError, fields, validate

from autonomy_core.catalog.schemas import IN_MINOR_UNIT, MAX_AMOUNT, MOST_ITEMS
from autonomy_core.fields import Identifier, Text, Timestamp, WholeNumber
from autonomy_core.kernel.settlements import PaymentStatus, RefundStatus
from autonomy_core.payments.return_urls import url_problem
from autonomy_core.web.schemas import ApiSchema, PageQuery

STATUS_MEANINGS = """\
- `pending`: the buyer may still pay
- `processing`: the money is on its way, for example by a bank debit, which takes days
- `expired`: the buyer did not pay in time
- `failed`: the payment, or its checkout, was refused
- `completed`: the money has arrived, and the product is the buyer's
- `partially_refunded`: a part of the money has gone back, and the product is still the buyer's
- `refunded`: all of it has gone back
- `disputed`: the buyer's bank has taken the money back until it has decided
- `dispute_won`: the bank has decided for the organisation
- `dispute_lost`: the bank has decided for the buyer

`refunded` and the states of a dispute take the product away where the organisation says so.
"""


class ReturnUrl(fields.String):
    """An absolute URL of a page, in ASCII."""

    def __init__(self, description: str) -> None:
        super().__init__(
            # What is checked below, is only described by the pattern.
            validate=[validate.Length(1, 1000), validate.Regexp(r"^[!-~]*\Z")],
            metadata={
                "format": "uri",
                "description": f"{description}; on one of the organisation's hosts or the server's own",
            },
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        url = str(super()._deserialize(value, attr, data, **kwargs))
        if problem := url_problem(url):
            raise ValidationError(problem)
        return url


class PaymentSchema(ApiSchema):
    """A payment, as its customer sees it."""

    id = fields.UUID(required=True)
    product_id = fields.UUID(required=True)
    status = fields.String(
        required=True,
        validate=validate.OneOf([str(status) for status in PaymentStatus]),
        metadata={"description": STATUS_MEANINGS},
    )
    amount = fields.Integer(
        required=True, metadata={"description": "what is to be paid, in the minor unit of the currency"}
    )
    discount = fields.Integer(
        required=True, metadata={"description": "what a coupon has taken off the price for that"}
    )
    coupon = fields.String(
        attribute="coupon_code",
        required=True,
        allow_none=True,
        metadata={"description": "the coupon's code", "example": "SPRING"},
    )
    currency = fields.String(required=True, metadata={"description": "ISO 4217, lower case"})
    refunded_amount = fields.Integer(
        required=True, metadata={"description": "how much of it goes back to the buyer"}
    )
    environment = fields.String(required=True, validate=validate.OneOf(["test", "live"]))
    created_at = Timestamp(required=True)
    completed_at = Timestamp(required=True, allow_none=True)


class PurchaseSchema(ApiSchema):
    """Where the buyer goes after the checkout, without it to the API's own address, no page for buyers; and a coupon."""

    coupon = Text(
        100,
        metadata={"description": "a code that makes it cheaper, as the buyer wrote it", "example": "SPRING"},
    )

    success_url = ReturnUrl(
        "where the buyer goes after paying, with `payment_id` in the query, which the return page puts there"
    )
    cancel_url = ReturnUrl("where the buyer goes who turns back on the checkout page")


class PurchaseAnswerSchema(ApiSchema):
    """The payment that has been opened, and where the buyer pays."""

    payment = fields.Nested(PaymentSchema, required=True)
    checkout_url = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "send the buyer's browser here; null where there is nothing to pay"},
    )


class AdminPaymentSchema(PaymentSchema):
    """A payment, as staff see it."""

    customer_id = fields.UUID(required=True)
    provider = fields.String(required=True, metadata={"description": "the plugin that collects the money"})
    settled_by = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "who brought the news: `webhook`, `return_page` …"},
    )
    failure_reason = fields.String(required=True, allow_none=True)
    updated_at = Timestamp(required=True)


class PaymentQuery(PageQuery):
    """Which payments are wanted."""

    status = fields.String(
        load_default=None,
        allow_none=False,
        validate=validate.OneOf([str(status) for status in PaymentStatus]),
        metadata={"description": "only those of this status"},
    )
    customer_id = Identifier(
        load_default=None, allow_none=False, metadata={"description": "only this customer's"}
    )
    product_id = Identifier(
        load_default=None, allow_none=False, metadata={"description": "only those for this product"}
    )


def each_once(values: Sequence[object]) -> None:
    """Validate that nothing is in a list twice."""
    if len(set(values)) < len(values):
        raise ValidationError("Something is in it twice.")


class NewRefundSchema(ApiSchema):
    """Money to be given back."""

    amount = WholeNumber(
        load_default=None,
        validate=validate.Range(1, MAX_AMOUNT),
        metadata={
            "description": "in the minor unit of the payment's currency; all that is left if absent, and no items are named"
        },
    )
    items = fields.List(
        Identifier(),
        validate=[validate.Length(1, MOST_ITEMS), each_once],
        metadata={
            "description": "instead of an amount: products of the payment, which are taken back; the amount is what was paid for them"
        },
    )
    reason = Text(
        500,
        required=True,
        metadata={"description": "why, for the record; buyers do not see it"},
    )


class RefundSchema(ApiSchema):
    """A refund, whoever asked for it."""

    id = fields.UUID(required=True)
    payment_id = fields.UUID(required=True)
    amount = fields.Integer(required=True, metadata={"description": IN_MINOR_UNIT})
    items = fields.List(
        fields.UUID(),
        required=True,
        metadata={"description": "the products that it is for; none if it is of an amount"},
    )
    status = fields.String(
        required=True,
        validate=validate.OneOf([str(status) for status in RefundStatus]),
        metadata={
            "description": "`requested` until the provider has taken it, `pending` until the buyer has it"
        },
    )
    reason = fields.String(required=True, allow_none=True)
    requested_by = fields.String(
        required=True, allow_none=True, metadata={"description": "null: at the payment provider, by hand"}
    )
    reference = fields.String(
        required=True, allow_none=True, metadata={"description": "the payment provider's id of it"}
    )
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class RefundListSchema(ApiSchema):
    """All refunds of a payment."""

    items = fields.List(fields.Nested(RefundSchema), required=True)


class TimelineEntrySchema(ApiSchema):
    """Something that happened to a payment."""

    at = Timestamp(required=True, metadata={"description": "when it became known"})
    kind = fields.String(required=True, metadata={"description": "what happened"})
    detail = fields.Dict(keys=fields.String(), required=True, metadata={"description": "depends on the kind"})


class TimelineSchema(ApiSchema):
    """All that happened to a payment, oldest first."""

    items = fields.List(fields.Nested(TimelineEntrySchema), required=True)
