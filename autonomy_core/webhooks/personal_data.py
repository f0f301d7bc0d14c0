"""What stored events keep of a customer: what the payment provider was told on its own page.

A replay reads ids, amounts and states, which stay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from autonomy_core.customers.addresses import (
    entered_addresses,
    erasable_addresses,
    may_contain,
    proven_address,
)
from autonomy_core.customers.domain import contains_address
from autonomy_core.customers.models import Customer
from autonomy_core.db.base import utcnow
from autonomy_core.kernel.personal_data import PersonalData
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.models import Payment
from autonomy_core.webhooks.domain import personal_parts, redacted
from autonomy_core.webhooks.models import WebhookEvent

LOOKED_BACK = timedelta(days=2)
"""How far back the daily job looks for late events."""


def export(scope: TenantScope, customer_id: UUID) -> Iterator[tuple[str, Any]]:
    """Yield the personal parts of the events about the customer's payments, or with the proven address."""
    address = proven_address(scope, customer_id)
    yield (
        "events.json",
        [
            {
                "source": event.source,
                "type": event.type,
                "received_at": event.received_at,
                "personal": personal_parts([event.payload, event.fetched], _members(scope, event)),
            }
            for event in _events_of(scope, customer_id, [address] if address else [])
        ],
    )


def erase(scope: TenantScope, customer_id: UUID) -> None:
    """Remove the personal parts of the events about the customer's payments, and the address elsewhere."""
    entered = entered_addresses(scope, customer_id)
    for event in _events_of(scope, customer_id, erasable_addresses(scope, customer_id), locked=True):
        members = _members(scope, event)
        event.payload = redacted(event.payload, members, entered)
        event.fetched = redacted(event.fetched, members, entered)
    scope.session.flush()


def redact_late(scope: TenantScope, *, members: frozenset[str] | None = None) -> None:
    """Remove the personal parts of events that arrived after the erasure of their customer.

    A bank or the provider may report about a payment for months.

    Args:
        scope: the scope of the organisation.
        members: the personal members; by default those of each event's source.
    """
    late = (
        select(WebhookEvent)
        .join(
            Payment,
            (Payment.organisation_id == WebhookEvent.organisation_id)
            & (Payment.id == WebhookEvent.payment_id),
        )
        .join(
            Customer,
            (Customer.organisation_id == Payment.organisation_id) & (Customer.id == Payment.customer_id),
        )
        .where(
            Customer.erased_at < WebhookEvent.received_at, WebhookEvent.received_at > utcnow() - LOOKED_BACK
        )
        .with_for_update(of=WebhookEvent)
    )
    for event in scope.session.scalars(late).all():
        personal = _members(scope, event) if members is None else members
        event.payload = redacted(event.payload, personal)
        event.fetched = redacted(event.fetched, personal)


def _events_of(
    scope: TenantScope, customer_id: UUID, addresses: Collection[str], *, locked: bool = False
) -> Iterator[WebhookEvent]:
    """Yield the events that were matched to a payment of the customer, or contain an address.

    The search reads every event of the organisation, because under row-level security PostgreSQL uses no
    index on JSON. It runs once per customer.
    """
    mine = WebhookEvent.payment_id.in_(select(Payment.id).where(Payment.customer_id == customer_id))
    named = [may_contain(document, addresses) for document in (WebhookEvent.payload, WebhookEvent.fetched)]
    statement = select(WebhookEvent, mine).where(or_(mine, *named)).order_by(WebhookEvent.received_at)
    if locked:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    for event, is_mine in scope.session.execute(statement).all():
        if is_mine or contains_address([event.payload, event.fetched], addresses):
            yield event


def _members(scope: TenantScope, event: WebhookEvent) -> frozenset[str]:
    """The personal members of the source's events, also where its plugin is disabled."""
    sources = (source for _, source in runtime_of(scope).webhook_sources)
    return next((source.personal for source in sources if source.name == event.source), frozenset())


PERSONAL_DATA = PersonalData("webhooks", export, erase)
