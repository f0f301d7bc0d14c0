"""Checkout sessions and their line items (https://docs.stripe.com/api/checkout/sessions/object)."""

from __future__ import annotations

import time
from typing import Any

from stripe_simulator import currencies
from stripe_simulator.identifiers import new_id
from stripe_simulator.objects import catalog

Document = dict[str, Any]

DAY = 86_400

DELAYED_METHODS = {"usd": "us_bank_account", "gbp": "bacs_debit", "cad": "acss_debit", "aud": "au_becs_debit"}

TAX_PERCENT = 20
"""The only tax rate of the simulator, wherever a buyer is."""

PLAYED_METHODS = ("card", *sorted({*DELAYED_METHODS.values(), "sepa_debit"}))

UNUSED_BY_SESSIONS = [
    "adaptive_pricing",
    "after_expiration",
    "allow_promotion_codes",
    "billing_address_collection",
    "client_secret",
    "collected_information",
    "consent",
    "consent_collection",
    "currency_conversion",
    "customer",
    "customer_account",
    "discounts",
    "integration_identifier",
    "invoice",
    "managed_payments",
    "origin_context",
    "payment_link",
    "payment_method_configuration_details",
    "permissions",
    "recovered_from",
    "saved_payment_method_options",
    "setup_intent",
    "shipping_address_collection",
    "shipping_cost",
    "subscription",
    "wallet_options",
]


def delayed_method(currency: str) -> str:
    """Return the bank debit method of a currency.

    Unlike Stripe, other currencies get SEPA, so that any shop can try it.
    """
    return DELAYED_METHODS.get(currency, "sepa_debit")


CHOSEN = ("cancel_url", "client_reference_id", "customer_email", "locale", "metadata", "mode", "submit_type")
"""Parameters of a session that it shows unchanged."""


def session(parameters: Document, items: list[Document], origin: str) -> Document:
    """Return a new open Checkout session of line items; its page is below the URL ``origin``."""
    subtotal, tax, total = (
        sum(item[name] for item in items) for name in ("amount_subtotal", "amount_tax", "amount_total")
    )
    identifier = new_id("cs_test", 58)
    now = int(time.time())
    currency = parameters["line_items"][0]["price_data"]["currency"]
    return {
        "id": identifier,
        "object": "checkout.session",
        **dict.fromkeys(UNUSED_BY_SESSIONS),
        **{name: parameters[name] for name in CHOSEN},
        "allowed_payment_method_types": parameters.get("allowed_payment_method_types"),
        "amount_subtotal": subtotal,
        "amount_total": total,
        "automatic_tax": _automatic_tax(taxed=parameters["automatic_tax"]["enabled"]),
        "created": now,
        "currency": currency,
        "custom_fields": [],
        "custom_text": {},
        "customer_creation": "if_required",
        "customer_details": None,
        "expires_at": parameters.get("expires_at", now + DAY),
        "invoice_creation": {"enabled": False, "invoice_data": {"metadata": {}}},
        "livemode": False,
        "payment_intent": None,
        "payment_method_collection": "always",
        "payment_method_options": {},
        "payment_method_types": offered_methods(parameters, currency),
        "payment_status": "unpaid" if total else "no_payment_required",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "open",
        "success_url": parameters["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": tax},
        "ui_mode": parameters["ui_mode"],
        "url": f"{origin}/c/pay/{identifier}",
    }


def offered_methods(parameters: Document, currency: str) -> list[str]:
    """Return the payment methods of a session: the named ones, or all that are available and allowed."""
    named: list[str] = parameters.get("payment_method_types") or ["card", delayed_method(currency)]
    allowed = parameters.get("allowed_payment_method_types") or named
    return [method for method in named if method in allowed]


def _automatic_tax(*, taxed: bool) -> Document:
    """Return the state of the tax. Unlike Stripe, the simulator needs no address of the buyer for it."""
    if not taxed:
        return {"enabled": False, "liability": None, "provider": None, "status": None}
    return {"enabled": True, "liability": {"type": "self"}, "provider": "stripe", "status": "complete"}


def tax_of(amount: int, currency: str, *, included: bool) -> int:
    """Return the tax at `TAX_PERCENT` that an amount contains, or that is added to it, rounded half up."""
    per = 100 + TAX_PERCENT if included else 100
    step = currencies.unit_step(currency)
    return (2 * amount * TAX_PERCENT + per * step) // (2 * per * step) * step


def line_item(item: Document, *, taxed: bool = False) -> Document:
    """Return a line item with its price, from one of ``line_items``.

    Args:
        item: ``price`` is given for an existing price.
        taxed: whether the tax is computed.
    """
    price = item["price_data"]
    subtotal = price["unit_amount"] * item["quantity"]
    included = price.get("tax_behavior") == "inclusive"
    tax = tax_of(subtotal, price["currency"], included=included) if taxed else 0
    return {
        "id": new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": subtotal,
        "amount_tax": tax,
        "amount_total": subtotal if included else subtotal + tax,
        "currency": price["currency"],
        "description": price["product_data"]["name"],
        "metadata": {},
        "price": item.get("price") or catalog.price(price, product=new_id("prod", 14), active=False),
        "quantity": item["quantity"],
    }
