"""What Stripe's side of a payment looked like, for whoever has to explain it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select

from autonomy_core.plugin_api.payments import Environment, Payment
from autonomy_core.plugin_api.protocols import TimelineEntry
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.domain import (
    CHECKOUT_EVENTS,
    REFUND_EVENTS,
    Comparison,
    Recorded,
    agreeing,
    binding,
    parse_session,
)
from stripe_payments.models import StripeEvent, StripePayment
from stripe_payments.reversals import subject_binding, subject_of
from stripe_payments.services import Found

OBJECT = StripeEvent.payload["data"]["object"]
"""What an event is about."""


def timeline_of(scope: TenantScope, payment_id: UUID) -> list[TimelineEntry]:
    """The checkout of a payment, the events that were found to be about it, and those that only name it.

    That an event is stored means that its signature was verified, or that Stripe gave it to the organisation's key.
    """
    key = (scope.organisation.id, payment_id)
    payment, row = scope.session.get(Payment, key), scope.session.get(StripePayment, key)
    if payment is None or row is None:
        return []
    found = Found(row, payment)
    return [_checkout(row), *_matched(scope, found), *_naming(scope, found)]


def _checkout(row: StripePayment) -> TimelineEntry:
    detail = {"session": row.session_id, "payment_intent": row.payment_intent_id}
    return TimelineEntry(row.created_at, "checkout_prepared", detail)


def _matched(scope: TenantScope, found: Found) -> Iterator[TimelineEntry]:
    recorded = found.recorded()
    for event in scope.session.scalars(_events().where(StripeEvent.payment_id == found.payment.id)):
        yield _received(event, agreed=_agreed(event, recorded))


def _naming(scope: TenantScope, found: Found) -> Iterator[TimelineEntry]:
    """Events that no lookup has brought to a payment, or none yet, and that nevertheless name this one."""
    names = {
        name: said.astext == ours
        for name, said, ours in (
            ("metadata", OBJECT["metadata"]["payment_id"], str(found.payment.id)),
            ("client_reference_id", OBJECT["client_reference_id"], str(found.payment.id)),
            ("session_id", OBJECT["id"], found.row.session_id),
            ("payment_intent", OBJECT["payment_intent"], found.row.payment_intent_id),
        )
        if ours is not None
    }
    # No event is older than its payment: of the others nobody has to look into the JSON.
    unmatched = and_(StripeEvent.payment_id.is_(None), StripeEvent.received_at >= found.payment.created_at)
    columns = [condition.is_(True).label(name) for name, condition in names.items()]
    naming = _events().add_columns(*columns).where(unmatched, or_(*names.values()))
    for event, *said in scope.session.execute(naming):
        yield _received(event, named_by=[name for name, does in zip(names, said, strict=True) if does])


def _events() -> Any:
    return select(StripeEvent).order_by(StripeEvent.received_at, StripeEvent.event_id)


def _received(event: StripeEvent, **more: Any) -> TimelineEntry:
    told = ("event_id", "type", "status", "reason", "lookups", "matched_by")
    vouched = "verified by the {} secret" if event.source == "webhook" else "fetched with the {} key"
    detail = {
        **{name: getattr(event, name) for name in told},
        **more,
        "signature": vouched.format(event.environment),
        "attempts": event.attempts,
        "happened_at": _happened_at(event.payload),
        "handled_at": event.processed_at and _text(event.processed_at),
    }
    return TimelineEntry(event.received_at, "event_received", detail)


def _happened_at(payload: Mapping[str, Any]) -> str | None:
    """When it happened, by Stripe's clock; what comes late is seen by it."""
    created = payload.get("created")
    return _text(datetime.fromtimestamp(created, UTC)) if isinstance(created, int) else None


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _agreed(event: StripeEvent, recorded: Recorded) -> list[str] | None:
    """What was compared with the payment, and was the same; what was not is in the event's reason.

    It follows from the event, which is kept as it came, and from the payment, of which nothing that is compared
    changes once it is known.
    """
    if event.status not in ("processed", "set_aside"):
        return None
    return agreeing(_compared(event, _as_known_to(event, recorded)))


def _as_known_to(event: StripeEvent, recorded: Recorded) -> Recorded:
    """What was known of the payment when the event was handled.

    Stripe's id of it is learnt from the first event that has it: whichever did not find the payment by that was the
    first, or came from before.
    """
    if event.type in CHECKOUT_EVENTS:
        return recorded if event.matched_by == "session_id" else replace(recorded, session_id=None)
    return recorded if event.matched_by == "payment_intent" else replace(recorded, payment_intent_id=None)


def _compared(event: StripeEvent, recorded: Recorded) -> Comparison:
    about = event.payload["data"]["object"]
    environment: Environment = event.environment  # type: ignore[assignment]
    if event.type in CHECKOUT_EVENTS:
        return binding(parse_session(about), environment, recorded)
    compared = subject_binding(subject_of(about), environment, recorded)
    if event.type not in REFUND_EVENTS:
        return compared
    # The core compares it.
    return {**compared, "currency": (recorded.currency, about["currency"])}
