"""The body and the signed headers of a delivery."""

from __future__ import annotations

import json
from typing import Any

import stripe


def signed(event: dict[str, Any], secret: str) -> tuple[str, dict[str, str]]:
    """Sign ``event`` now; return the body and the headers (https://docs.stripe.com/webhooks/signature)."""
    payload = json.dumps(event, indent=2)
    return payload, {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": stripe.WebhookSignature.generate_signature_header(payload, secret),
        "User-Agent": "Stripe-Simulator/1.0",
        "X-Stripe-Simulator": "true",
    }
