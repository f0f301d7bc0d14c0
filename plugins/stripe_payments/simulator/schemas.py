"""The parameters of each call. What is not declared here is refused as unknown."""

from __future__ import annotations

import time
from typing import Any, get_args

import stripe
from marshmallow import ValidationError, validate, validates, validates_schema

from stripe_payments.simulator import API_VERSION, currencies
from stripe_payments.simulator.parameters import (
    Array,
    Boolean,
    Email,
    Integer,
    Metadata,
    Object,
    Parameters,
    Text,
    Url,
)

EVENT_TYPES = frozenset(get_args(stripe.Event.__annotations__["type"])) | {"*"}

HOUR = 3600
LARGEST_AMOUNT = 99_999_999
KNOWN_CURRENCY = validate.OneOf(currencies.SUPPORTED, error="$param must be a currency code in lower case.")


def one_of(*choices: str) -> validate.OneOf:
    """Return a check that a value is one of ``choices``."""
    return validate.OneOf(choices, error=f"$param must be one of: {', '.join(choices)}.")


def between(smallest: int, largest: int) -> validate.Range:
    """Return a check that a number is in a range, ends included."""
    return validate.Range(smallest, largest, error=f"$param must be from {smallest} to {largest}.")


def event_types(**kwargs: Any) -> Array:
    """A list of types of events, or ``*`` for all of them."""
    known = validate.OneOf(EVENT_TYPES, error="$param is no type of event.")
    return Array(Text(validate=known), **kwargs)


class Retrieve(Parameters):
    """``expand`` names the references to return as whole objects."""

    expand = Array(Text())


class Nothing(Parameters):
    """A call without parameters."""


class Page(Parameters):
    """Which part of a list to return."""

    limit = Integer(load_default=10, validate=between(1, 100))
    starting_after = Text()
    ending_before = Text()

    @validates_schema
    def one_direction(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse both cursors at once."""
        if "starting_after" in data and "ending_before" in data:
            raise ValidationError("$param cannot be combined with starting_after.", "ending_before")


class SessionPage(Page):
    """Which sessions to list."""

    payment_intent = Text()
    status = Text(validate=one_of("open", "complete", "expired"))


class EventPage(Page):
    """Which events to list."""

    type = Text()


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


class EndpointCreate(Parameters):
    """A new webhook endpoint."""

    url = Url(required=True)
    enabled_events = event_types(required=True)
    api_version = Text(load_default=None, validate=one_of(API_VERSION))
    description = Text(load_default=None)
    metadata = Metadata(load_default=dict)


class EndpointUpdate(Parameters):
    """Changes of a webhook endpoint."""

    url = Url()
    enabled_events = event_types()
    description = Text()
    disabled = Boolean()
    metadata = Metadata()
