"""What happened to a payment, in order, from everybody's records: a support question is answered from it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from autonomy_core.grants.models import Grant
from autonomy_core.payments.models import HookRun, JournalEntry, Payment
from autonomy_core.plugin_api.protocols import TimelineEntry
from autonomy_core.plugin_api.scope import TenantScope


def timeline(scope: TenantScope, payment: Payment) -> list[TimelineEntry]:
    """All that is recorded of a payment, oldest first: by the core, by what hooks did, and by its provider."""
    entries = [*_of_core(scope, payment), *_of_provider(scope, payment)]
    return sorted(entries, key=lambda entry: entry.at)


def _of_core(scope: TenantScope, payment: Payment) -> Iterator[TimelineEntry]:
    facts = ("provider", "environment", "amount", "currency")
    opened = {name: getattr(payment, name) for name in facts}
    if payment.coupon_code is not None:
        opened |= {"discount": payment.discount, "coupon": payment.coupon_code}
    product, customer = str(payment.product_id), str(payment.customer_id)
    yield TimelineEntry(payment.created_at, "opened", opened | {"product": product, "customer": customer})
    for entry in scope.session.scalars(select(JournalEntry).where(JournalEntry.payment_id == payment.id)):
        yield TimelineEntry(entry.at, entry.kind, entry.detail)
    for run in scope.session.scalars(select(HookRun).where(HookRun.payment_id == payment.id)):
        kind = "hook_succeeded" if run.outcome == "succeeded" else "hook_failed"
        detail = {"plugin": run.plugin, "attempts": run.attempts, "error": run.last_error}
        yield TimelineEntry(run.updated_at, kind, detail)
    for grant in scope.session.scalars(select(Grant).where(Grant.payment_id == payment.id)):
        yield TimelineEntry(
            grant.granted_at, "granted", {"product": str(grant.product_id), "plugin": grant.plugin}
        )


def _of_provider(scope: TenantScope, payment: Payment) -> Iterator[TimelineEntry]:
    provider = scope.runtime.providers.get(payment.provider)
    if provider is not None:
        yield from provider.timeline(scope, payment.id)
