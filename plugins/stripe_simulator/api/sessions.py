"""The calls about Checkout sessions (https://docs.stripe.com/api/checkout/sessions)."""

from __future__ import annotations

import re
import time
from typing import Any

from marshmallow import ValidationError, validates, validates_schema

from stripe_simulator import checkout
from stripe_simulator.api.call import Call, Document, equal, listing, page
from stripe_simulator.api.catalog import Price, ProductData
from stripe_simulator.errors import StripeError
from stripe_simulator.objects.sessions import PLAYED_METHODS, offered_methods
from stripe_simulator.parameters import (
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
from stripe_simulator.schemas import PaymentPage, Shipping, between, one_of
from stripe_simulator.state import Record

HOUR = 3600

LOCALES = re.findall(
    r"\S+",
    """
    auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl pt
    pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW
    """,
)
"""The languages of the hosted page.

Source: https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-locale.
"""


class PriceData(Price):
    """A price for this session only, in minor units."""

    product_data = Object(ProductData, required=True)


class LineItem(Parameters):
    """A quantity of one item, at an existing price or at one given here."""

    price = Text()
    price_data = Object(PriceData)
    quantity = Integer(required=True, validate=between(1, 999_999))

    @validates_schema
    def one_price(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse an item without a price, or with two."""
        if "price" not in data and "price_data" not in data:
            raise ValidationError("parameter_missing", "price_data")
        if "price" in data and "price_data" in data:
            raise ValidationError("Give $param or price_data, not both.", "price")


class PaymentIntentData(Parameters):
    """The parameters of the session's payment intent."""

    metadata = Metadata(load_default=dict)
    description = Text(longest=1000, load_default=None)
    receipt_email = Email(load_default=None)
    setup_future_usage = Text(load_default=None, validate=one_of("off_session", "on_session"))
    shipping = Object(Shipping, load_default=None)
    statement_descriptor = Text(longest=22, load_default=None)


class AutomaticTax(Parameters):
    """Whether Stripe Tax computes the tax."""

    enabled = Boolean(required=True)


class SessionCreate(Parameters):
    """A Checkout session for a single payment on the hosted page."""

    removed_by_endive = {"payment_method_types": "parameter_unknown"}
    added_by_endive = ("allowed_payment_method_types",)

    mode = Text(required=True, validate=one_of("payment"))
    ui_mode = Text(load_default="hosted_page", validate=one_of("hosted_page"))
    line_items = Array(Object(LineItem), required=True)
    success_url = Url(required=True)
    cancel_url = Url(load_default=None)
    client_reference_id = Text(longest=200, load_default=None)
    customer_email = Email(longest=800, load_default=None)
    automatic_tax = Object(AutomaticTax, load_default=lambda: {"enabled": False})
    metadata = Metadata(load_default=dict)
    payment_intent_data = Object(PaymentIntentData, load_default=lambda: PaymentIntentData().load({}))
    payment_method_types = Array(Text(validate=one_of(*PLAYED_METHODS)))
    allowed_payment_method_types = Array(Text(validate=one_of(*PLAYED_METHODS)))
    expires_at = Integer()
    locale = Text(load_default=None, validate=one_of(*LOCALES))
    submit_type = Text(load_default=None, validate=one_of("auto", "book", "donate", "pay"))
    expand = Array(Text())

    @validates("expires_at")
    def within_a_day(self, value: int, **kwargs: Any) -> None:
        """Refuse an expiry time outside of the allowed range."""
        if not HOUR // 2 <= value - int(time.time()) <= 24 * HOUR:
            raise ValidationError("$param must be from 30 minutes to 24 hours ahead.")

    @validates_schema
    def few_items(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse too many items."""
        if len(data["line_items"]) > 100:
            raise ValidationError("$param must have at most 100 items.", "line_items")


class SessionPage(PaymentPage):
    """The filters of a list of sessions."""

    status = Text(validate=one_of("open", "complete", "expired"))


def create(call: Call) -> Document:
    """Open a Checkout session."""
    items = [_priced(call, number, item) for number, item in enumerate(call.parameters["line_items"])]
    if len({item["price_data"]["currency"] for item in items}) > 1:
        raise StripeError("All of line_items must be in one currency.", param="line_items")
    parameters = call.parameters | {"line_items": items}
    if parameters["automatic_tax"]["enabled"]:
        _check_tax_behavior(items)
    if not offered_methods(parameters, items[0]["price_data"]["currency"]):
        problem = "None of the payment methods that are allowed can be used for this session."
        raise StripeError(problem, param="allowed_payment_method_types")
    return _shown(call, call.simulator.checkout.create(call.account, parameters, call.origin))


def _check_tax_behavior(items: list[Document]) -> None:
    """Refuse prices that do not say whether they contain the tax; the simulated accounts have no default."""
    for number, item in enumerate(items):
        if item["price_data"].get("tax_behavior", "unspecified") == "unspecified":
            problem = "Automatic tax needs a tax_behavior: inclusive or exclusive."
            raise StripeError(problem, param=f"line_items[{number}][price_data][tax_behavior]")


def _priced(call: Call, number: int, item: Document) -> Document:
    """Return a line item with its complete price, even if the caller gave the id of a price."""
    if "price" not in item:
        return item
    price = call.own("price", item["price"], "price", param=f"line_items[{number}][price]").body
    product = call.own("product", price["product"], "product", param="product").body
    return item | {"price": price, "price_data": price | {"product_data": product}}


def retrieve(call: Call) -> Document:
    """Return a session."""
    return _shown(call, call.find("session", "checkout.session"))


def expire(call: Call) -> Document:
    """Expire an open session."""
    session = call.find("session", "checkout.session")
    return _shown(call, call.simulator.checkout.expire(session, call.cause))


def list_all(call: Call) -> Document:
    """Return sessions, optionally of a status or payment intent."""
    wanted = equal(call, "status", "payment_intent")
    return page(call, "session", "/v1/checkout/sessions", checkout.public, wanted)


def _shown(call: Call, session: Record) -> Document:
    """Return ``session`` with the call's expansions, which may include line items."""
    shown = checkout.public(session)
    paths = call.parameters.get("expand", [])
    if "line_items" in paths:
        url = f"/v1/checkout/sessions/{session.id}/line_items"
        shown["line_items"] = listing(session.body["line_items"], url, has_more=False)
    return call.expanded(shown, [path for path in paths if path != "line_items"])
