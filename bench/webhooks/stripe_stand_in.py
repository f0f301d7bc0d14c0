"""Answers dj-stripe's calls of Stripe: a session, its payment intent and payment method, the account.

The simulator has only sessions that were opened, and does more than is needed. This replacement runs in a
separate process, so that its processor time is not counted to the contender.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from bench.webhooks import events
from bench.webhooks.by_hand import completed_event

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

INTENT = {
    "object": "payment_intent",
    "amount": events.AMOUNT,
    "amount_received": events.AMOUNT,
    "capture_method": "automatic_async",
    "confirmation_method": "automatic",
    "created": 1_760_000_000,
    "currency": events.CURRENCY,
    "customer": None,
    "livemode": False,
    "metadata": {},
    "payment_method_types": ["card"],
    "status": "succeeded",
}
METHOD = {
    "object": "payment_method",
    "billing_details": {"email": "ada@example.org", "name": "Ada"},
    "card": {"brand": "visa", "last4": "4242"},
    "created": 1_760_000_000,
    "customer": None,
    "livemode": False,
    "metadata": {},
    "type": "card",
}
ACCOUNT = {"id": "acct_bench", "object": "account", "country": "DE", "default_currency": events.CURRENCY}


def create_app() -> Application:
    """Build the application."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = json.dumps(_found(environ["PATH_INFO"])).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return application


def _found(path: str) -> dict[str, Any]:
    identifier = path.rpartition("/")[2]
    number = identifier[-12:]
    if path.startswith("/v1/checkout/sessions/"):
        session: dict[str, Any] = completed_event(int(number))["data"]["object"]
        return session
    if path.startswith("/v1/payment_intents/"):
        return {**INTENT, "id": identifier, "payment_method": f"pm_bench{number}"}
    if path.startswith("/v1/payment_methods/"):
        return {**METHOD, "id": identifier}
    return ACCOUNT
