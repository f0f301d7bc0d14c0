"""Parse the envelope of an event, without the SDK.

A snapshot event contains its object in the version of the endpoint. A thin event contains only the ID of its
object.
Source: https://docs.stripe.com/api/events/object and https://docs.stripe.com/api/v2/core/events/object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from autonomy_core.plugin_api.webhooks import Delivery, Origin
from stripe_payments.api.references import Kind, Reference
from stripe_payments.api.versions import READ_AS_POSTED
from stripe_payments.domain import (
    ATTEMPT_FAILED,
    CHARGE_REFUNDED,
    CHECKOUT_EVENTS,
    DISPUTE_EVENTS,
    REFUND_EVENTS,
    NotUnderstood,
    environment_of,
    optional_id,
)

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(CHECKOUT_EVENTS, "checkout.session"),
    **dict.fromkeys(REFUND_EVENTS, "refund"),
    **dict.fromkeys(DISPUTE_EVENTS, "dispute"),
    CHARGE_REFUNDED: "charge",
    ATTEMPT_FAILED: "payment_intent",
}
"""The type of the object of each handled event. It selects the fetched object, not the event's own claim."""

SNAPSHOT, THIN = "event", "v2.core.event"
MISSING = "missing"
"""The member of a placeholder for an object that Stripe does not have."""
THIN_OF_V1 = "v1."
"""Prefix of the type of a thin event; the rest is the type of its snapshot."""

_EVENT_ID = re.compile(r"evt_[A-Za-z0-9_]{1,250}")
_EVENT_TYPE = re.compile(r"[a-z0-9_.\[\]]{1,100}")


def parse_event(payload: Any, *, origin: Origin = "webhook", text: str | None = None) -> Delivery:
    """Read an event's envelope.

    Args:
        payload: the JSON of a signed body, or of an answer of Stripe's API.
        origin, text: as `Delivery` explains them.

    Raises:
        NotUnderstood: it is no event.
    """
    if not isinstance(payload, dict) or payload.get("object") not in (SNAPSHOT, THIN):
        raise NotUnderstood("the body is no event")
    is_thin = payload["object"] == THIN
    event_type = _matching(_EVENT_TYPE, payload.get("type"), "type")
    if not is_thin and _posted(payload) is None:
        raise NotUnderstood("the event is about no object")
    return Delivery(
        event_id=_matching(_EVENT_ID, payload.get("id"), "id"),
        # The type of a thin event without its prefix, as for a snapshot.
        type=event_type.removeprefix(THIN_OF_V1) if is_thin else event_type,
        environment=environment_of(payload.get("livemode")),
        payload=payload,
        origin=origin,
        text=text,
    )


def subject_in(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object of a snapshot; empty for a thin event, which has only its ID."""
    return _posted(payload) or {}


def _posted(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    data = payload.get("data") if payload.get("object") == SNAPSHOT else None
    subject = data.get("object") if isinstance(data, dict) else None
    return subject if isinstance(subject, dict) else None


def to_fetch(payload: Mapping[str, Any]) -> Reference | None:
    """Return the object that has to be fetched before an event can be handled; None if none.

    A snapshot without a version, which Stripe allows, is handled as it is. So is an event without object ID.
    """
    is_thin = payload.get("object") == THIN
    if not is_thin and payload.get("api_version") in (*READ_AS_POSTED, None):
        return None
    event_type = str(payload.get("type"))
    kind = KINDS.get(event_type.removeprefix(THIN_OF_V1) if is_thin else event_type)
    if kind is None:
        return None
    named = payload.get("related_object") if is_thin else subject_in(payload)
    object_id = optional_id(named.get("id")) if isinstance(named, dict) else None
    return None if object_id is None else Reference(kind, object_id)


def happened_at(payload: Mapping[str, Any]) -> datetime | None:
    """Return the time of an event by Stripe's clock, aware, which shows a late delivery."""
    created = payload.get("created")
    try:
        if isinstance(created, str):  # of a thin event
            return datetime.fromisoformat(created).astimezone(UTC)
        return datetime.fromtimestamp(created, UTC) if isinstance(created, int) else None
    except (ValueError, OverflowError, OSError):
        return None  # not a valid time


def _matching(pattern: re.Pattern[str], value: Any, name: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise NotUnderstood(f"the event has no valid {name}")
    return value
