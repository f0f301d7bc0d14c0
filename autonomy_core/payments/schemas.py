"""The JSON representation of payments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from marshmallow import ValidationError, fields, validate

from autonomy_core.catalog.schemas import MOST_ITEMS
from autonomy_core.fields import (
    Day,
    EmailField,
    Identifier,
    LanguageTag,
    NumberInText,
    StrictBoolean,
    Text,
    Timestamp,
    WholeNumber,
)
from autonomy_core.kernel.settlements import PaymentStatus, RefundStatus
from autonomy_core.payments.consents import TEXT_VERSION, TEXTS
from autonomy_core.payments.fields import ReturnUrl
from autonomy_core.prices.schemas import IN_MINOR_UNIT, MAX_AMOUNT, WishSchema
from autonomy_core.web.schemas import ApiSchema, PageQuery, QuerySchema

LONGEST_EMAIL = 320

MOST_ENTRIES: Final = 1000
"""Of a page of a timeline. Hardly any payment has more, so that one answer has the whole of it."""

STATUS_MEANINGS = """\
- `pending`: the buyer can still pay
- `processing`: the money has not arrived yet, for example with a bank debit, which takes days
- `expired`: the buyer did not pay in time
- `failed`: the payment, or its checkout, was refused
- `completed`: the money has arrived, and the buyer owns the product
- `partially_refunded`: part of the money was refunded, and the buyer still owns the product
- `refunded`: all of the money was refunded
- `disputed`: the buyer's bank holds the money until it decides
- `dispute_won`: the bank decided for the organisation
- `dispute_lost`: the bank decided for the buyer

`refunded` and the states of a dispute revoke the product if the organisation's settings say so.
"""


class PaymentSchema(ApiSchema):
    """A payment, for its customer."""

    id = fields.UUID(required=True)
    product_id = fields.UUID(required=True)
    status = fields.String(
        required=True,
        validate=validate.OneOf([str(status) for status in PaymentStatus]),
        metadata={"description": STATUS_MEANINGS},
    )
    amount = fields.Integer(
        required=True, metadata={"description": "the amount to pay, in the minor unit of the currency"}
    )
    discount = fields.Integer(
        required=True, metadata={"description": "the reduction of the price by a coupon"}
    )
    coupon = fields.String(
        attribute="coupon_code",
        required=True,
        allow_none=True,
        metadata={"description": "the coupon's code", "example": "SPRING"},
    )
    currency = fields.String(required=True, metadata={"description": "ISO 4217, lower case"})
    refunded_amount = fields.Integer(required=True, metadata={"description": "the refunded amount"})
    environment = fields.String(required=True, validate=validate.OneOf(["test", "live"]))
    created_at = Timestamp(required=True)
    completed_at = Timestamp(required=True, allow_none=True)


def must_be_true(value: bool) -> None:  # noqa: FBT001 - marshmallow calls it by position
    """Validate that a consent is given."""
    if not value:
        raise ValidationError("Send true, or leave the consent out.")


class ConsentSchema(ApiSchema):
    """What the buyer has agreed to, with the text of the error `consent_required`."""

    immediate_delivery = StrictBoolean(
        required=True,
        validate=must_be_true,
        metadata={"description": "the content is to be delivered at once", "enum": [True]},
    )
    acknowledged_loss_of_withdrawal = StrictBoolean(
        required=True,
        validate=must_be_true,
        metadata={"description": "the right of withdrawal is lost by that", "enum": [True]},
    )
    text_version = Text(
        40, required=True, metadata={"description": "of the text that was shown", "example": TEXT_VERSION}
    )
    locale = fields.String(
        load_default="en",
        validate=validate.OneOf(sorted(TEXTS)),
        metadata={"description": "the language in which the text was shown"},
    )


class PurchaseSchema(WishSchema):
    """The price; the return pages, by default the API's own URL; a coupon; and the buyer's consent."""

    consent = fields.Nested(
        ConsentSchema,
        metadata={"description": "required if the organisation's setting `digital_consent` says so"},
    )
    coupon = Text(
        100,
        metadata={"description": "a coupon code, as the buyer typed it", "example": "SPRING"},
    )
    success_url = ReturnUrl("the page after the payment; the server adds `payment_id` to the query")
    cancel_url = ReturnUrl("the page for buyers who cancel the checkout")


class PurchaseAnswerSchema(ApiSchema):
    """The opened payment, and the checkout page."""

    payment = fields.Nested(PaymentSchema, required=True)
    checkout_url = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "send the buyer's browser here; null if there is nothing to pay"},
    )


class GuestPurchaseSchema(PurchaseSchema):
    """A purchase without an account."""

    email = EmailField(
        required=True,
        metadata={
            "description": "for the receipt, and to find the purchase again",
            "example": "ada@example.org",
        },
    )
    locale = LanguageTag(
        metadata={"description": "the language of mails, BCP 47", "example": "de"},
    )


class GuestPurchaseAnswerSchema(PurchaseAnswerSchema):
    """The opened payment, the checkout page, and where to ask for the status."""

    payment_status_url = fields.String(
        required=True,
        metadata={
            "format": "uri",
            "description": "shows the status of the payment; keep it in the browser, and poll it after the "
            "buyer has returned",
        },
    )


class StatusQuery(QuerySchema):
    """The proof that the caller has made the purchase."""

    token = fields.String(
        required=True,
        validate=validate.Regexp(r"\A[A-Za-z0-9_-]{1,100}\Z"),
        metadata={"description": "as in `payment_status_url`"},
    )


class PurchaseStatusSchema(ApiSchema):
    """The status of a payment."""

    id = fields.UUID(required=True)
    status = fields.String(
        required=True,
        validate=validate.OneOf([str(status) for status in PaymentStatus]),
        metadata={"description": STATUS_MEANINGS},
    )


class AdminPaymentSchema(PaymentSchema):
    """A payment, for staff."""

    customer_id = fields.UUID(required=True)
    email = fields.String(
        attribute="customer.email", required=True, metadata={"description": "the customer's address"}
    )
    customer_name = fields.String(attribute="customer.name", required=True)
    tax = fields.Integer(
        attribute="tax.amount",
        required=True,
        allow_none=True,
        dump_default=None,
        metadata={
            "description": "the tax in `amount`, in the minor unit, as the provider reports it; null if it "
            "reports none"
        },
    )
    provider = fields.String(required=True, metadata={"description": "the plugin that collects the money"})
    settled_by = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the source of the report: `webhook`, `return_page` …"},
    )
    failure_reason = fields.String(required=True, allow_none=True)
    updated_at = Timestamp(required=True)


class PaymentFilters(QuerySchema):
    """The filters of payments. A day is a day in the organisation's time zone."""

    status = fields.String(
        load_default=None,
        allow_none=False,
        validate=validate.OneOf([str(status) for status in PaymentStatus]),
        metadata={"description": "only payments with this status"},
    )
    customer_id = Identifier(
        load_default=None, allow_none=False, metadata={"description": "only payments of this customer"}
    )
    product_id = Identifier(
        load_default=None,
        allow_none=False,
        metadata={"description": "only payments for this product, or for a bundle that contained it"},
    )
    email = Text(
        LONGEST_EMAIL,
        load_default=None,
        metadata={
            "description": "only payments of customers with this address",
            "example": "ada@example.org",
        },
    )
    coupon = Text(
        100,
        load_default=None,
        metadata={"description": "only payments with this coupon", "example": "SPRING"},
    )
    environment = fields.String(
        load_default=None,
        allow_none=False,
        validate=validate.OneOf(["test", "live"]),
        metadata={"description": "only payments in this environment"},
    )
    first_day = Day(
        data_key="from",
        load_default=None,
        allow_none=False,
        metadata={"description": "only payments that were opened on this day or later"},
    )
    last_day = Day(
        data_key="to",
        load_default=None,
        allow_none=False,
        metadata={"description": "only payments that were opened on this day or earlier"},
    )


class PaymentQuery(PaymentFilters, PageQuery):
    """A page of the payments that the filters select."""


def each_once(values: Sequence[object]) -> None:
    """Validate that no value is repeated."""
    if len(set(values)) < len(values):
        raise ValidationError("A value is repeated.")


class NewRefundSchema(ApiSchema):
    """A new refund."""

    amount = WholeNumber(
        load_default=None,
        validate=validate.Range(1, MAX_AMOUNT),
        metadata={
            "description": "in the minor unit of the payment's currency; the default without items is the "
            "refundable rest"
        },
    )
    items = fields.List(
        Identifier(),
        validate=[validate.Length(1, MOST_ITEMS), each_once],
        metadata={
            "description": "instead of an amount: products of the payment, whose grants are revoked; the "
            "amount is what was paid for them"
        },
    )
    reason = Text(
        500,
        required=True,
        metadata={"description": "the reason, for the record; buyers do not see it"},
    )


class RefundSchema(ApiSchema):
    """A refund by staff or at the payment provider."""

    id = fields.UUID(required=True)
    payment_id = fields.UUID(required=True)
    amount = fields.Integer(required=True, metadata={"description": IN_MINOR_UNIT})
    items = fields.List(
        fields.UUID(),
        required=True,
        metadata={"description": "the refunded products; empty for a refund of an amount"},
    )
    status = fields.String(
        required=True,
        validate=validate.OneOf([str(status) for status in RefundStatus]),
        metadata={
            "description": "`requested` until the provider accepts it, `pending` until the buyer is paid"
        },
    )
    reason = fields.String(required=True, allow_none=True)
    requested_by = fields.String(
        required=True, allow_none=True, metadata={"description": "null: requested at the payment provider"}
    )
    reference = fields.String(
        required=True, allow_none=True, metadata={"description": "the payment provider's id"}
    )
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class TimelineEntrySchema(ApiSchema):
    """An event of a payment."""

    at = Timestamp(required=True, metadata={"description": "when it became known"})
    kind = fields.String(required=True, metadata={"description": "what happened"})
    detail = fields.Dict(keys=fields.String(), required=True, metadata={"description": "depends on the kind"})


class TimelineQuery(QuerySchema):
    """The part of a payment's timeline that the client requests."""

    limit = NumberInText(
        load_default=MOST_ENTRIES,
        validate=validate.Range(1, MOST_ENTRIES),
        metadata={"description": "how many at most"},
    )
    cursor = NumberInText(
        load_default=0,
        validate=validate.Range(0, 10**9),
        metadata={"description": "`next` of the answer before"},
    )
