"""The load: one ``checkout.session.completed`` for each payment, as Stripe would post it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from stripe import WebhookSignature

from bench.load import post_request
from stripe_simulator import objects

AMOUNT, CURRENCY = 1200, "eur"
SECRET = "whsec_benchmark"
SITE = "https://shop.example"


def session_id(number: int) -> str:
    """Return the id of a payment's checkout session; the SQL creates the same id."""
    return f"cs_test_bench{number:012}"


def completed_event(number: int, *, reference: str, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return the event that completes the checkout of payment ``number``.

    It has every member that Stripe sends.

    Args:
        number: the payment's number.
        reference: the session's ``client_reference_id``.
        metadata: the session's metadata.
    """
    item = {"amount_subtotal": AMOUNT, "amount_tax": 0, "amount_total": AMOUNT}
    session = objects.session(_parameters(reference, metadata), [item], "https://checkout.stripe.com")
    paid = {
        "id": session_id(number),
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": f"pi_bench{number:012}",
        "customer_details": {"email": "ada@example.org", "name": "Ada", "phone": None, "tax_exempt": "none"},
        "url": None,
    }
    cause = {"id": None, "idempotency_key": None}
    identifier = f"evt_bench{number:012}"
    return objects.event(
        identifier, "checkout.session.completed", {**session, **paid}, cause, previous=None, pending=1
    )


def signed_request(path: str, event: Mapping[str, Any]) -> bytes:
    """Return the HTTP request that delivers an event. It is signed now, so it is valid for five minutes.

    The body is indented, as Stripe's are.
    """
    body = json.dumps(event, indent=2)
    signature = WebhookSignature.generate_signature_header(body, SECRET, timestamp=int(time.time()))
    return post_request(
        path, body.encode(), "application/json; charset=utf-8", {"Stripe-Signature": signature}
    )


def _parameters(reference: str, metadata: Mapping[str, str]) -> dict[str, Any]:
    item = {"price_data": {"currency": CURRENCY, "unit_amount": AMOUNT}, "quantity": 1}
    return {
        "automatic_tax": {"enabled": False},
        "cancel_url": f"{SITE}/cancelled",
        "client_reference_id": reference,
        "customer_email": "ada@example.org",
        "line_items": [item],
        "locale": None,
        "metadata": dict(metadata),
        "mode": "payment",
        "submit_type": None,
        "success_url": f"{SITE}/thanks",
        "ui_mode": "hosted_page",
    }
