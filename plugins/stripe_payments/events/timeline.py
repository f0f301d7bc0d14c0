"""What Stripe's side of a payment looked like, for whoever has to explain it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, union_all
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased

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
from stripe_payments.reversals.reports import subject_binding, subject_of
from stripe_payments.services import Found

UNMATCHED = ("received", "failed", "set_aside", "ignored")
"""The statuses of events that may be without a payment."""

MOST_LOOKED_INTO = 500
"""So many events of each of these statuses are searched for a payment's names, the first since it was opened."""


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
    event = _since(found.payment.created_at)
    about = func.coalesce(event.fetched, event.payload["data"]["object"], type_=JSONB)
    names = {
        name: said.astext == ours
        for name, said, ours in (
            ("metadata", about["metadata"]["payment_id"], str(found.payment.id)),
            ("client_reference_id", about["client_reference_id"], str(found.payment.id)),
            ("session_id", about["id"], found.row.session_id),
            ("payment_intent", about["payment_intent"], found.row.payment_intent_id),
        )
        if ours is not None
    }
    columns = [condition.is_(True).label(name) for name, condition in names.items()]
    naming = _events(event).add_columns(*columns).where(event.payment_id.is_(None), or_(*names.values()))
    for each, *said in scope.session.execute(naming):
        yield _received(each, named_by=[name for name, does in zip(names, said, strict=True) if does])


def _since(opened: datetime) -> Any:
    """The events in which a payment is searched for: no event is older than its payment.

    Where an endpoint gets every event of a busy account, a search in the JSON of all of them would not end, and
    under row-level security PostgreSQL uses no index on JSON. Of each status the first are read in the order of
    `ix_stripe_payments_events_status`, and no more.
    """
    first = [
        select(StripeEvent)
        .where(StripeEvent.status == status, StripeEvent.received_at >= opened)
        .order_by(StripeEvent.received_at)
        .limit(MOST_LOOKED_INTO)
        .subquery()
        for status in UNMATCHED
    ]
    return aliased(StripeEvent, union_all(*map(select, first)).subquery())


def _events(event: Any = StripeEvent) -> Any:
    return select(event).order_by(event.received_at, event.event_id)


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
    try:
        if isinstance(created, str):  # of a thin event
            return _text(datetime.fromisoformat(created).astimezone(UTC))
        return _text(datetime.fromtimestamp(created, UTC)) if isinstance(created, int) else None
    except (ValueError, OverflowError, OSError):
        return None  # no year that there is


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
    about = event.subject
    environment: Environment = event.environment  # type: ignore[assignment]
    if event.type in CHECKOUT_EVENTS:
        return binding(parse_session(about), environment, recorded)
    compared = subject_binding(subject_of(about), environment, recorded)
    if event.type not in REFUND_EVENTS:
        return compared
    # The core compares it.
    return {**compared, "currency": (recorded.currency, about.get("currency"))}
