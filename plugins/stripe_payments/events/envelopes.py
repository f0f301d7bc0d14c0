"""What may be read of an event itself, before what it is about. No framework, no SDK.

An event is a snapshot, which has its object as it was, in the version of the endpoint; or thin, which names its object only.
Source: https://docs.stripe.com/api/events/object and https://docs.stripe.com/api/v2/core/events/object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stripe_payments.api.references import Kind, Reference
from stripe_payments.api.versions import READ_AS_POSTED
from stripe_payments.domain import (
    ATTEMPT_FAILED,
    CHARGE_REFUNDED,
    CHECKOUT_EVENTS,
    DISPUTE_EVENTS,
    REFUND_EVENTS,
    Environment,
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
"""What each type of event that we handle is about. It decides what is fetched, and not what the event says of that."""

SNAPSHOT, THIN = "event", "v2.core.event"
THIN_OF_V1 = "v1."
"""What the type of a thin event begins with whose snapshot has the rest as its type."""

_EVENT_ID = re.compile(r"evt_[A-Za-z0-9_]{1,250}")
_EVENT_TYPE = re.compile(r"[a-z0-9_.\[\]]{1,100}")


@dataclass(frozen=True, slots=True)
class Event:
    """An event's envelope.

    Attributes:
        type: as of a snapshot; a thin event's without ``v1.``.
        object: what it is about; empty for a thin event until it is fetched.
        to_fetch: what has to be fetched before the event can be handled: it is thin, or of another version than we read.
    """

    id: str
    type: str
    environment: Environment
    object: Mapping[str, Any]
    to_fetch: Reference | None = None


def parse_event(payload: Any) -> Event:
    """Read an event's envelope.

    Args:
        payload: whatever the JSON of a signed body was.

    Raises:
        NotUnderstood: it is no event.
    """
    if not isinstance(payload, dict) or payload.get("object") not in (SNAPSHOT, THIN):
        raise NotUnderstood("the body is no event")
    is_thin = payload["object"] == THIN
    event_type = _matching(_EVENT_TYPE, payload.get("type"), "type")
    return Event(
        id=_matching(_EVENT_ID, payload.get("id"), "id"),
        type=event_type.removeprefix(THIN_OF_V1) if is_thin else event_type,
        environment=environment_of(payload.get("livemode")),
        object={} if is_thin else subject_in(payload),
        to_fetch=to_fetch(payload),
    )


def subject_in(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a snapshot is about.

    Raises:
        NotUnderstood: nothing.
    """
    data = payload.get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    if not isinstance(subject, dict):
        raise NotUnderstood("the event is about no object")
    return subject


def to_fetch(payload: Mapping[str, Any]) -> Reference | None:
    """What has to be fetched before an event can be handled; None where it can be as it is, or is not handled.

    A snapshot without a version, which Stripe allows, is taken as it is; so is an event that does not say what it is about.
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


def _matching(pattern: re.Pattern[str], value: Any, name: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise NotUnderstood(f"the event has no valid {name}")
    return value
