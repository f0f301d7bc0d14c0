"""Helpers for tests of payments with Stripe.

They make an organisation's settings and signed events in Stripe's format, and run a simulator.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from stripe import WebhookSignature

from autonomy_core.plugin_api.payments import Payment
from stripe_payments.api.amounts import to_stripe
from stripe_payments.api.client import API_VERSION
from stripe_simulator.app import Simulator
from stripe_simulator.delivery import RetryPolicy
from stripe_simulator.server import SimulatorServer


def webhook_secret(organisation_id: str, environment: str = "test") -> str:
    """Return the signing secret that `stripe_settings` gives an organisation."""
    return f"whsec_{environment}_{organisation_id.replace('-', '_')}"


def stripe_settings(organisation_id: str = "acme", **changes: str) -> dict[str, str]:
    """Return a section ``[stripe_payments]`` with different keys for every organisation and environment.

    Args:
        organisation_id: the organisation.
        changes: other values, for example ``environment="live"``.
    """
    word = organisation_id.replace("-", "_")
    return {
        "environment": "test",
        "test_secret_key": f"sk_test_{word}",
        "test_public_key": f"pk_test_{word}",
        "test_webhook_secret": webhook_secret(organisation_id),
        "secret_key": f"sk_live_{word}",
        "public_key": f"pk_live_{word}",
        "webhook_secret": webhook_secret(organisation_id, "live"),
        **changes,
    }


def checkout_session(payment: Payment, **changes: Any) -> dict[str, Any]:
    """Return a paid checkout session for a payment, in the format of an event.

    Args:
        payment: the payment.
        changes: other members, for example ``payment_status="unpaid"``.
    """
    payment_id = str(payment.id)
    return {
        "id": f"cs_{payment.environment}_{payment.id.hex}",
        "object": "checkout.session",
        "mode": "payment",
        "livemode": payment.environment == "live",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": to_stripe(payment.amount, payment.currency),
        "currency": payment.currency,
        "client_reference_id": payment_id,
        "metadata": {"organisation_id": payment.organisation_id, "payment_id": payment_id},
        "payment_intent": f"pi_{payment.id.hex}",
        **changes,
    }


def stripe_event(event_type: str, subject: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an event with a new id.

    Args:
        event_type: for example ``checkout.session.completed``.
        subject: the event's object, see `checkout_session`.
        changes: other members of the envelope, for example ``id``.
    """
    return {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "api_version": API_VERSION,
        "type": event_type,
        "livemode": subject.get("livemode", False),
        "data": {"object": dict(subject)},
        **changes,
    }


def thin_event(event_type: str, subject: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a thin event with a new id, about an object of API v1.

    Args:
        event_type: as for `stripe_event`; a thin event has the prefix ``v1.``.
        subject: the object that it references.
        changes: other members, for example ``id``.
    """
    return {
        "id": f"evt_test_{uuid4().hex}",
        "object": "v2.core.event",
        "type": f"v1.{event_type}",
        "created": "2026-11-20T12:00:00.000Z",
        "livemode": subject.get("livemode", False),
        "context": None,
        "related_object": {
            "id": subject["id"],
            "type": subject["object"],
            "url": f"/v1/{subject['object'].replace('.', '/')}s/{subject['id']}",
        },
        **changes,
    }


def signed(
    event: Mapping[str, Any] | bytes, secret: str, *, at: int | None = None
) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers with which Stripe would post an event.

    Args:
        event: the event, or any other body.
        secret: the endpoint's secret, see `webhook_secret`.
        at: the signature's time in seconds since 1970; by default now.
    """
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    header = WebhookSignature.generate_signature_header(body.decode("utf-8"), secret, timestamp=at)
    return body, {"Content-Type": "application/json", "Stripe-Signature": header}


@contextmanager
def simulated_stripe(**options: Any) -> Iterator[SimulatorServer]:
    """Run a simulator on a free port of this process.

    Its ``url`` is the value for ``stripe_payments.api_base``.

    Args:
        options: options of `Simulator`, for example ``chaos=Chaos(7)`` or ``lock_timeouts=True``.
    """
    options = {"retry": RetryPolicy(first=0.05, longest=0.5), **options}
    server = SimulatorServer(Simulator(**options))
    server.start()
    try:
        yield server
    finally:
        server.close()
