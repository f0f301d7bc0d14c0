"""The calls about Checkout sessions (https://docs.stripe.com/api/checkout/sessions)."""

from __future__ import annotations

import time
from typing import Any

from marshmallow import ValidationError, validate, validates, validates_schema

from stripe_payments.simulator import checkout, currencies
from stripe_payments.simulator.api.call import Call, Document, equal, listing, page
from stripe_payments.simulator.parameters import (
    Array,
    Email,
    Integer,
    Metadata,
    Object,
    Parameters,
    Text,
    Url,
)
from stripe_payments.simulator.schemas import PaymentPage, between, one_of
from stripe_payments.simulator.state import Record

HOUR = 3600
LARGEST_AMOUNT = 99_999_999
KNOWN_CURRENCY = validate.OneOf(currencies.SUPPORTED, error="$param must be a currency code in lower case.")


class ProductData(Parameters):
    """What a line item sells."""

    name = Text(required=True)
    description = Text()
    images = Array(Url(), validate=validate.Length(max=8, error="$param must have at most 8 items."))
    metadata = Metadata()
    tax_code = Text()


class PriceData(Parameters):
    """A price written into the session, in minor units."""

    currency = Text(required=True, validate=KNOWN_CURRENCY)
    unit_amount = Integer(required=True, validate=between(0, LARGEST_AMOUNT))
    product_data = Object(ProductData, required=True)
    tax_behavior = Text(validate=one_of("exclusive", "inclusive", "unspecified"))

    @validates_schema
    def whole_steps(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse an amount that the currency cannot express."""
        step = currencies.unit_step(data["currency"])
        if data["unit_amount"] % step:
            raise ValidationError(
                f"$param in {data['currency']} must be a multiple of {step}.", "unit_amount"
            )


class LineItem(Parameters):
    """One thing sold, once or more often."""

    price_data = Object(PriceData, required=True)
    quantity = Integer(required=True, validate=between(1, 999_999))


class PaymentIntentData(Parameters):
    """The payment intent's own members."""

    metadata = Metadata(load_default=dict)
    description = Text(longest=1000, load_default=None)
    receipt_email = Email(load_default=None)
    statement_descriptor = Text(longest=22, load_default=None)


class SessionCreate(Parameters):
    """A Checkout session for a single payment on the hosted page."""

    mode = Text(required=True, validate=one_of("payment"))
    ui_mode = Text(load_default="hosted_page", validate=one_of("hosted_page"))
    line_items = Array(Object(LineItem), required=True)
    success_url = Url(required=True)
    cancel_url = Url(load_default=None)
    client_reference_id = Text(longest=200, load_default=None)
    customer_email = Email(longest=800, load_default=None)
    metadata = Metadata(load_default=dict)
    payment_intent_data = Object(PaymentIntentData, load_default=lambda: PaymentIntentData().load({}))
    payment_method_types = Array(Text())
    expires_at = Integer()
    locale = Text(load_default=None)
    submit_type = Text(load_default=None, validate=one_of("auto", "book", "donate", "pay"))
    expand = Array(Text())

    @validates("expires_at")
    def within_a_day(self, value: int, **kwargs: Any) -> None:
        """Refuse a time too near or too far."""
        if not HOUR // 2 <= value - int(time.time()) <= 24 * HOUR:
            raise ValidationError("$param must be from 30 minutes to 24 hours ahead.")

    @validates_schema
    def few_items_of_one_currency(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse too many items, and items that cannot be added up."""
        if len(data["line_items"]) > 100:
            raise ValidationError("$param must have at most 100 items.", "line_items")
        if len({item["price_data"]["currency"] for item in data["line_items"]}) > 1:
            raise ValidationError("All of $param must be in one currency.", "line_items")


class SessionPage(PaymentPage):
    """Which sessions to list."""

    status = Text(validate=one_of("open", "complete", "expired"))


def create(call: Call) -> Document:
    """Open a Checkout session."""
    session = call.simulator.checkout.create(call.account, call.parameters, call.origin)
    return _shown(call, session)


def retrieve(call: Call) -> Document:
    """Return a session."""
    return _shown(call, call.find("session", "checkout.session"))


def expire(call: Call) -> Document:
    """Close an open session unpaid."""
    session = call.find("session", "checkout.session")
    return _shown(call, call.simulator.checkout.expire(session, call.cause))


def list_all(call: Call) -> Document:
    """Return sessions, of a status or payment intent if wanted."""
    wanted = equal(call, "status", "payment_intent")
    return page(call, "session", "/v1/checkout/sessions", checkout.public, wanted)


def _shown(call: Call, session: Record) -> Document:
    """Return ``session`` with what the caller wants expanded, which may be its line items."""
    shown = checkout.public(session)
    paths = call.parameters.get("expand", [])
    if "line_items" in paths:
        url = f"/v1/checkout/sessions/{session.id}/line_items"
        shown["line_items"] = listing(session.body["line_items"], url, has_more=False)
    return call.expanded(shown, [path for path in paths if path != "line_items"])
