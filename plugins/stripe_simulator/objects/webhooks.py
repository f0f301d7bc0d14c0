"""Events and webhook endpoints.

Source: https://docs.stripe.com/api/events, https://docs.stripe.com/api/webhook_endpoints.
"""

from __future__ import annotations

import time
from typing import Any

from stripe_simulator import API_VERSION

Document = dict[str, Any]


def event(
    identifier: str,
    kind: str,
    subject: Document,
    cause: Document,
    *,
    previous: Document | None,
    pending: int,
) -> Document:
    """Return an event of type ``kind`` about ``subject``.

    ``cause`` is the request that caused it, ``previous`` contains the former values of changed members.
    """
    return {
        "id": identifier,
        "object": "event",
        "api_version": API_VERSION,
        "created": int(time.time()),
        "data": {"object": subject, **({"previous_attributes": previous} if previous else {})},
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
        "description": parameters["description"] or None,
        "enabled_events": parameters["enabled_events"],
        "livemode": False,
        "metadata": parameters["metadata"],
        "status": "enabled",
        "url": parameters["url"],
    }
