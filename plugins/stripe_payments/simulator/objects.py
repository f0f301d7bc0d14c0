"""The shapes of Stripe's objects at version 2026-08-26.dahlia, with every member the API describes.

Source: https://docs.stripe.com/api. Members that belong to features the simulator does not play are null, empty or
off, as they are at Stripe when a feature is not used.
"""

from __future__ import annotations

import time
from typing import Any

from stripe_payments.simulator import API_VERSION
from stripe_payments.simulator.identifiers import new_id

Document = dict[str, Any]

DAY = 86_400

DELAYED_METHODS = {"usd": "us_bank_account", "gbp": "bacs_debit", "cad": "acss_debit", "aud": "au_becs_debit"}
"""The bank debit of each currency. Elsewhere, unlike at Stripe, it is always SEPA's, so that any shop can try it."""

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

UNUSED_BY_INTENTS = [
    "amount_details",
    "application",
    "application_fee_amount",
    "automatic_payment_methods",
    "canceled_at",
    "cancellation_reason",
    "customer",
    "customer_account",
    "excluded_payment_method_types",
    "last_payment_error",
    "latest_charge",
    "managed_payments",
    "next_action",
    "on_behalf_of",
    "payment_method",
    "payment_method_configuration_details",
    "processing",
    "review",
    "setup_future_usage",
    "shipping",
    "source",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
]


def account(identifier: str) -> Document:
    """Return a new account."""
    return {
        "id": identifier,
        "object": "account",
        "business_profile": {"name": "Simulated account", "url": None},
        "charges_enabled": True,
        "country": "US",
        "created": int(time.time()),
        "default_currency": "usd",
        "details_submitted": True,
        "email": "account@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "type": "standard",
    }


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
        "payment_method_types": parameters.get(
            "payment_method_types", ["card", DELAYED_METHODS.get(currency, "sepa_debit")]
        ),
        "payment_status": "unpaid" if total else "no_payment_required",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "open",
        "success_url": parameters["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": parameters["ui_mode"],
        "url": f"{origin}/c/pay/{identifier}",
    }


def line_item(item: Document) -> Document:
    """Return a line item, with its price, from one of ``line_items``."""
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
        "price": {
            "id": new_id("price"),
            "object": "price",
            "active": False,
            "billing_scheme": "per_unit",
            "created": int(time.time()),
            "currency": price["currency"],
            "livemode": False,
            "metadata": {},
            "product": new_id("prod", 14),
            "recurring": None,
            "tax_behavior": price.get("tax_behavior", "unspecified"),
            "type": "one_time",
            "unit_amount": price["unit_amount"],
            "unit_amount_decimal": str(price["unit_amount"]),
        },
        "quantity": item["quantity"],
    }


def payment_intent(of: Document, data: Document) -> Document:
    """Return the payment intent of session ``of``, made with ``payment_intent_data``."""
    identifier = new_id("pi")
    return {
        "id": identifier,
        "object": "payment_intent",
        **dict.fromkeys(UNUSED_BY_INTENTS),
        "amount": of["amount_total"],
        "amount_capturable": 0,
        "amount_received": 0,
        "capture_method": "automatic_async",
        "client_secret": f"{identifier}_secret_{new_id('x', 24)[2:]}",
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": of["currency"],
        "description": data["description"],
        "livemode": False,
        "metadata": data["metadata"],
        "payment_method_options": {},
        "payment_method_types": of["payment_method_types"],
        "receipt_email": data["receipt_email"],
        "statement_descriptor": data["statement_descriptor"],
        "status": "requires_payment_method",
    }


def event(kind: str, subject: Document, cause: Document, pending: int) -> Document:
    """Return an event of type ``kind`` about ``subject``; ``cause`` is the request that led to it."""
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": int(time.time()),
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": pending,
        "request": cause,
        "type": kind,
    }


def endpoint(parameters: Document, identifier: str) -> Document:
    """Return a new webhook endpoint, without a secret."""
    return {
        "id": identifier,
        "object": "webhook_endpoint",
        "api_version": parameters["api_version"],
        "application": None,
        "created": int(time.time()),
        "description": parameters["description"],
        "enabled_events": parameters["enabled_events"],
        "livemode": False,
        "metadata": parameters["metadata"],
        "status": "enabled",
        "url": parameters["url"],
    }
