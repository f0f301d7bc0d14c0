"""What happened to a payment, in order, from everybody's records: a support question is answered from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autonomy_core.catalog.models import Product
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.protocols import TimelineEntry
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.items import paid_for
from autonomy_core.payments.models import HookRun, JournalEntry, Payment

Titles = Mapping[UUID, str]


def timeline(scope: TenantScope, payment: Payment) -> list[TimelineEntry]:
    """All that is recorded of a payment, oldest first: by the core, by what hooks did, and by its provider."""
    grants = scope.session.scalars(select(Grant).where(Grant.payment_id == payment.id)).all()
    paid = paid_for(scope, payment)
    titles = _titles(scope, {payment.product_id, *paid, *(grant.product_id for grant in grants)})
    entries = [
        _opened(payment, paid, titles),
        # What a provider tells comes before what it led to, also where both were written in one moment.
        *_of_provider(scope, payment),
        *_of_journal(scope, payment, titles),
        *(_granted(grant, titles) for grant in grants),
        *_of_hooks(scope, payment),
    ]
    return sorted(entries, key=lambda entry: entry.at)


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
    """Hooks that have succeeded; the journal has each time that one failed."""
    succeeded = (HookRun.payment_id == payment.id) & (HookRun.outcome == "succeeded")
    for run in scope.session.scalars(select(HookRun).where(succeeded).order_by(HookRun.plugin)):
        yield TimelineEntry(
            run.updated_at, "hook_succeeded", {"plugin": run.plugin, "attempts": run.attempts}
        )


def _of_provider(scope: TenantScope, payment: Payment) -> Iterator[TimelineEntry]:
    provider = scope.runtime.providers.get(payment.provider)
    if provider is not None:
        yield from provider.timeline(scope, payment.id)
