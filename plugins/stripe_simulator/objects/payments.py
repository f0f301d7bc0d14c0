"""Payment intents and charges.

Source: https://docs.stripe.com/api/payment_intents, https://docs.stripe.com/api/charges.
"""

from __future__ import annotations

import time
from typing import Any

from stripe_simulator.identifiers import new_id

Document = dict[str, Any]

UNUSED_BY_INTENTS = [
    "allowed_payment_method_types",
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
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
]

UNUSED_BY_CHARGES = [
    "application",
    "application_fee",
    "application_fee_amount",
    "balance_transaction",
    "customer",
    "failure_balance_transaction",
    "failure_code",
    "failure_message",
    "on_behalf_of",
    "outcome",
    "receipt_number",
    "receipt_url",
    "review",
    "source_transfer",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
]


CHOSEN = (
    "description",
    "metadata",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
)
"""Parameters of a payment intent that it shows unchanged."""


def payment_intent(amount: int, currency: str, methods: list[str], data: Document) -> Document:
    """Return a new payment intent of ``amount`` minor units, for one of ``methods``.

    ``data`` contains at least the members in `CHOSEN`.
    """
    identifier = new_id("pi")
    return {
        "id": identifier,
        "object": "payment_intent",
        **dict.fromkeys(UNUSED_BY_INTENTS),
        **{name: data[name] for name in CHOSEN},
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "capture_method": "automatic_async",
        "client_secret": f"{identifier}_secret_{new_id('x', 24)[2:]}",
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": currency,
        "livemode": False,
        "payment_method_options": {},
        "payment_method_types": methods,
        "status": "requires_payment_method",
    }


def charge(intent: Document, method: Document, email: str | None) -> Document:
    """Return a new pending charge of ``intent``, with ``method`` as its ``payment_method_details``."""
    return {
        "id": new_id("ch"),
        "object": "charge",
        **dict.fromkeys(UNUSED_BY_CHARGES),
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "billing_details": {
            "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
            "email": email,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": None,
        "captured": False,
        "created": int(time.time()),
        "currency": intent["currency"],
        "description": intent["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": method,
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "refunded": False,
        "shipping": intent["shipping"],
        "statement_descriptor": intent["statement_descriptor"],
        "status": "pending",
    }
