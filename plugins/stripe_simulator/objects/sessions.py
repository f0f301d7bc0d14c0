"""Checkout sessions and their line items (https://docs.stripe.com/api/checkout/sessions/object)."""

from __future__ import annotations

import time
from typing import Any

from stripe_simulator.identifiers import new_id
from stripe_simulator.objects import catalog

Document = dict[str, Any]

DAY = 86_400

DELAYED_METHODS = {"usd": "us_bank_account", "gbp": "bacs_debit", "cad": "acss_debit", "aud": "au_becs_debit"}

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
    """Return the bank debit of a currency. Unlike at Stripe, it is SEPA's elsewhere, so that any shop can try it."""
    return DELAYED_METHODS.get(currency, "sepa_debit")


CHOSEN = ("cancel_url", "client_reference_id", "customer_email", "locale", "metadata", "mode", "submit_type")
"""Parameters of a session that it shows as they were given."""


def session(parameters: Document, total: int, origin: str) -> Document:
    """Return a new open Checkout session of ``total`` minor units; its page is below the URL ``origin``."""
    identifier = new_id("cs_test", 58)
    now = int(time.time())
    currency = parameters["line_items"][0]["price_data"]["currency"]
    return {
        "id": identifier,
        "object": "checkout.session",
        **dict.fromkeys(UNUSED_BY_SESSIONS),
        **{name: parameters[name] for name in CHOSEN},
        "allowed_payment_method_types": parameters.get("allowed_payment_method_types"),
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
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
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": parameters["ui_mode"],
        "url": f"{origin}/c/pay/{identifier}",
    }


def offered_methods(parameters: Document, currency: str) -> list[str]:
    """Return the payment methods that a buyer is offered: those that were named, or all that there are and may be."""
    named: list[str] = parameters.get("payment_method_types") or ["card", delayed_method(currency)]
    allowed = parameters.get("allowed_payment_method_types") or named
    return [method for method in named if method in allowed]


def line_item(item: Document) -> Document:
    """Return a line item, with its price, from one of ``line_items``; ``price`` is the price if it exists already."""
    price = item["price_data"]
    total = price["unit_amount"] * item["quantity"]
    return {
        "id": new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"],
        "description": price["product_data"]["name"],
        "metadata": {},
        "price": item.get("price") or catalog.price(price, product=new_id("prod", 14), active=False),
        "quantity": item["quantity"],
    }
