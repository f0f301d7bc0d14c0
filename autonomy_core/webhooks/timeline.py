"""The events of a payment for its timeline: events that were matched, and events that only refer to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import or_, select, union_all
from sqlalchemy.orm import aliased

from autonomy_core.kernel.protocols import TimelineEntry
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.webhooks import WebhookSource
from autonomy_core.payments.models import Payment
from autonomy_core.webhooks.models import WebhookEvent
from autonomy_core.webhooks.sources import source_named, sources_of

UNMATCHED = ("received", "failed", "set_aside", "ignored")
"""The statuses that an event without a payment may have."""

SEARCH_LIMIT = 500
"""Maximum number of events of each status that are searched for references to a payment."""

SHOWN = ("event_id", "type", "status", "reason", "lookups", "matched_by")


def events_of(scope: TenantScope, payment: Payment) -> Iterator[TimelineEntry]:
    """Yield the events of a payment, in any order.

    The signature of each stored event was verified, or the server fetched it with the organisation's key.
    """
    yield from _matched(scope, payment)
    for source in sources_of(scope):
        yield from _naming(scope, source, payment)


def _matched(scope: TenantScope, payment: Payment) -> Iterator[TimelineEntry]:
    for event in scope.session.scalars(_events().where(WebhookEvent.payment_id == payment.id)):
        source = source_named(scope, event.source)
        agreed = source.agreed(scope, payment.id, event) if source else None
        yield _received(source, event, agreed=agreed)


def _naming(scope: TenantScope, source: WebhookSource, payment: Payment) -> Iterator[TimelineEntry]:
    """Yield events without a payment that refer to this one."""
    event = _since(source, payment.created_at)
    names = source.naming(scope, payment.id, event)
    if not names:
        return
    columns = [condition.is_(True).label(name) for name, condition in names.items()]
    naming = _events(event).add_columns(*columns).where(event.payment_id.is_(None), or_(*names.values()))
    for each, *said in scope.session.execute(naming):
        named_by = [name for name, does in zip(names, said, strict=True) if does]
        yield _received(source, each, named_by=named_by)


def _since(source: WebhookSource, opened: datetime) -> Any:
    """Select the events that are searched for a payment: the first `SEARCH_LIMIT` of each status.

    They were received after the payment was created. An endpoint may receive every event of a busy account. A
    search in the JSON of all events would be too slow: under row-level security PostgreSQL uses no index on
    JSON. The index `ix_webhook_events_status` gives the order.
    """
    first = [
        select(WebhookEvent)
        .where(
            WebhookEvent.source == source.name,
            WebhookEvent.status == status,
            WebhookEvent.received_at >= opened,
        )
        .order_by(WebhookEvent.received_at)
        .limit(SEARCH_LIMIT)
        .subquery()
        for status in UNMATCHED
    ]
    return aliased(WebhookEvent, union_all(*map(select, first)).subquery())


def _events(event: Any = WebhookEvent) -> Any:
    return select(event).order_by(event.received_at, event.event_id)


def _received(source: WebhookSource | None, event: WebhookEvent, **more: Any) -> TimelineEntry:
    vouched = "verified by the {} secret" if event.origin == "webhook" else "fetched with the {} key"
    happened_at = source.happened_at(event.payload) if source else None
    detail = {
        **{name: getattr(event, name) for name in SHOWN},
        **more,
        "signature": vouched.format(event.environment),
        "attempts": event.attempts,
        "happened_at": happened_at and _text(happened_at),
        "handled_at": event.processed_at and _text(event.processed_at),
    }
    return TimelineEntry(event.received_at, "event_received", detail)


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
