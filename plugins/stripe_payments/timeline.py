"""What Stripe's side of a payment looked like, for whoever has to explain it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select

from autonomy_core.plugin_api.protocols import TimelineEntry
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.models import StripeEvent, StripePayment


def timeline_of(scope: TenantScope, payment_id: UUID) -> list[TimelineEntry]:
    """The checkout and the events of a payment. That an event is stored means that its signature was verified."""
    row = scope.session.get(StripePayment, (scope.organisation.id, payment_id))
    checkout = [] if row is None else [_checkout(row)]
    return [*checkout, *_events(scope, payment_id)]


def _checkout(row: StripePayment) -> TimelineEntry:
    detail = {"session": row.session_id, "payment_intent": row.payment_intent_id}
    return TimelineEntry(row.created_at, "checkout_prepared", detail)


def _events(scope: TenantScope, payment_id: UUID) -> Iterator[TimelineEntry]:
    for event in scope.session.scalars(select(StripeEvent).where(StripeEvent.payment_id == payment_id)):
        told = ("event_id", "type", "status", "reason", "matched_by", "attempts")
        detail = {name: getattr(event, name) for name in told}
        vouched = "verified by the {} secret" if event.source == "webhook" else "fetched with the {} key"
        signature = vouched.format(event.environment)
        yield TimelineEntry(event.received_at, "event_received", detail | {"signature": signature})
