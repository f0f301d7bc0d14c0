"""The timeline of a payment: what the core, the hooks and the provider recorded, for support questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autonomy_core.catalog.models import Product
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.protocols import TimelineEntry
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope, forbid_commit
from autonomy_core.payments.items import paid_for
from autonomy_core.payments.models import HookRun, JournalEntry, Payment, ReversalHookRun

Titles = Mapping[UUID, str]


def timeline(scope: TenantScope, payment: Payment) -> list[TimelineEntry]:
    """Return what the core, the hooks and the provider recorded about a payment, oldest first."""
    grants = scope.session.scalars(select(Grant).where(Grant.payment_id == payment.id)).all()
    paid = paid_for(scope, payment)
    titles = _titles(scope, {payment.product_id, *paid, *(grant.product_id for grant in grants)})
    entries = [
        _opened(payment, paid, titles),
        # The sort is stable: a provider's event precedes its effects, also where both have the same time.
        *_of_provider(scope, payment),
        *(entry for history in runtime_of(scope).histories for entry in history(scope, payment)),
        *_of_journal(scope, payment, titles),
        *(_granted(grant, titles) for grant in grants),
        *_of_hooks(scope, payment),
    ]
    return sorted(entries, key=lambda entry: entry.at)


def timeline_page(scope: TenantScope, payment: Payment, limit: int, cursor: int) -> dict[str, Any]:
    """Return a page of the timeline, oldest first.

    Args:
        scope: the scope of the organisation, in a transaction.
        payment: the payment.
        limit: the number of entries.
        cursor: the number of entries on the pages before. Entries have no id that is common to all sources.
    """
    entries = timeline(scope, payment)
    end = cursor + limit
    return {"items": entries[cursor:end], "next": str(end) if len(entries) > end else None}


def _titles(scope: TenantScope, product_ids: set[UUID]) -> Titles:
    rows = scope.session.execute(select(Product.id, Product.title).where(Product.id.in_(product_ids)))
    return {row.id: row.title for row in rows}


def _opened(payment: Payment, paid: Mapping[UUID, int], titles: Titles) -> TimelineEntry:
    facts = ("provider", "environment", "amount", "currency")
    detail: dict[str, Any] = {name: getattr(payment, name) for name in facts}
    if payment.coupon_code is not None:
        detail |= {"discount": payment.discount, "coupon": payment.coupon_code}
    detail |= _product(payment.product_id, titles) | {"customer": str(payment.customer_id)}
    if payment.product_id not in paid:
        detail["items"] = [
            _product(each, titles) | {"amount": amount} for each, amount in sorted(paid.items())
        ]
    return TimelineEntry(payment.created_at, "opened", detail)


def _product(product_id: UUID, titles: Titles) -> dict[str, Any]:
    return {"product": str(product_id), "title": titles.get(product_id)}


def _granted(grant: Grant, titles: Titles) -> TimelineEntry:
    return TimelineEntry(
        grant.granted_at, "granted", _product(grant.product_id, titles) | {"plugin": grant.plugin}
    )


def _of_journal(scope: TenantScope, payment: Payment, titles: Titles) -> Iterator[TimelineEntry]:
    entries = select(JournalEntry).where(JournalEntry.payment_id == payment.id).order_by(JournalEntry.id)
    for entry in scope.session.scalars(entries):
        detail = entry.detail
        if "products" in detail:
            detail = detail | {"titles": [titles.get(UUID(each)) for each in detail["products"]]}
        yield TimelineEntry(entry.at, entry.kind, detail)


def _of_hooks(scope: TenantScope, payment: Payment) -> Iterator[TimelineEntry]:
    """The successful runs of hooks; the journal has the failed ones."""
    succeeded = (HookRun.payment_id == payment.id) & (HookRun.outcome == "succeeded")
    for run in scope.session.scalars(select(HookRun).where(succeeded).order_by(HookRun.plugin)):
        yield TimelineEntry(
            run.updated_at, "hook_succeeded", {"plugin": run.plugin, "attempts": run.attempts}
        )
    if not payment.reversals:
        return
    reversal = (ReversalHookRun.payment_id == payment.id) & (ReversalHookRun.outcome == "succeeded")
    for reversal_run in scope.session.scalars(select(ReversalHookRun).where(reversal)):
        named = ("plugin", "hook", "subject", "attempts")
        detail = {name: getattr(reversal_run, name) for name in named}
        yield TimelineEntry(reversal_run.updated_at, "hook_succeeded", detail)


def _of_provider(scope: TenantScope, payment: Payment) -> Iterator[TimelineEntry]:
    provider = runtime_of(scope).providers.get(payment.provider)
    if provider is not None:
        with forbid_commit(scope):
            entries = list(provider.timeline(scope, payment.id))
        yield from entries
