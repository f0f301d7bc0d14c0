"""Move everything of one customer to another, for example what a guest bought to the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, update

from autonomy_core.audit.services import change, record
from autonomy_core.customers.domain import for_audit
from autonomy_core.customers.models import Customer
from autonomy_core.errors import Conflict
from autonomy_core.kernel.events import CustomersMerged
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope, forbid_commit

log = structlog.get_logger(__name__)

COMBINED = ("name", "locale", "blocked_at", "blocked_because")
"""The columns that the target may get from the source."""


class NotMergeable(Conflict):
    """One of two customers cannot be merged: erased, merged before, or not an account."""

    code, title = "not_mergeable", "These customers cannot be merged"


def merge(scope: TenantScope, source: Customer, target: Customer, *, actor: str, reason: str) -> None:
    """Move everything of a customer to an account, and call the hook ``on_customers_merged``.

    Both rows stay locked until the transaction ends, so that the proof of an address, an erasure and another
    merging wait. Settlements do not wait for these rows: a merging waits for the source's payments instead.
    A purchase of the source that begins at the same time may stay with it; `claim_guests` moves it later.

    Args:
        scope: the scope of the organisation.
        source: the customer who ends.
        target: the account that goes on.
        actor: who merges, for the audit log.
        reason: why, for the audit log.

    Raises:
        NotMergeable: one of them is erased or was merged, both are the same, or the target is a guest.
    """
    _lock(scope, source, target)
    _require_mergeable(source, target)
    _move(scope, source.id, target.id)
    again = update(Customer).where(Customer.merged_into == source.id).values(merged_into=target.id)
    scope.session.execute(again)
    before = {name: getattr(target, name) for name in COMBINED}
    _combine(source, target)
    scope.session.flush()
    _record(scope, source, target, before, actor=actor, reason=reason)
    with forbid_commit(scope):
        scope.hooks.call("on_customers_merged", CustomersMerged(scope, source.id, target.id))
    log.info("customer.merged", source=str(source.id), target=str(target.id))


def move_leftovers(scope: TenantScope, target: Customer) -> None:
    """Move what customers who were merged into an account have received since."""
    merged = select(Customer.id).where(Customer.merged_into == target.id).order_by(Customer.id)
    for source_id in scope.session.scalars(merged).all():
        _move(scope, source_id, target.id)


def _lock(scope: TenantScope, *customers: Customer) -> None:
    """Lock rows in the order of their ids, and read them again.

    The lock leaves rows of other tables free to refer to the customer. Otherwise a settlement, which holds a
    payment and adds a grant, and a merging, which holds the customer and wants the payment, would deadlock.
    """
    for customer in sorted(customers, key=lambda each: each.id):
        scope.session.refresh(customer, with_for_update={"key_share": True})


def _require_mergeable(source: Customer, target: Customer) -> None:
    if source.id == target.id:
        raise NotMergeable("A customer cannot be merged into itself.")
    for customer in (source, target):
        if not customer.is_current:
            raise NotMergeable(f"Customer {customer.id} was erased or merged before.")
    if target.guest:
        raise NotMergeable("The target is a guest, and not an account.")


def _move(scope: TenantScope, source_id: UUID, target_id: UUID) -> None:
    for move in runtime_of(scope).moves:
        move(scope, source_id, target_id)


def _record(
    scope: TenantScope,
    source: Customer,
    target: Customer,
    before: Mapping[str, Any],
    *,
    actor: str,
    reason: str,
) -> None:
    """Record the merging at the source, and what the target has got of the source's row at the target."""
    merged = change({"merged_into": None}, {"merged_into": target.id})
    why = {"into": str(target.id), "reason": reason}
    about = f"customer:{source.id}"
    record(scope, actor=actor, action="customer.merged", target=about, detail={**why, **merged})
    names = [name for name in COMBINED if before[name] != getattr(target, name)]
    if names:
        sides = {
            "before": for_audit({name: before[name] for name in names}),
            "after": for_audit({name: getattr(target, name) for name in names}),
        }
        about = f"customer:{target.id}"
        detail = {"merged_from": str(source.id), **sides}
        record(scope, actor=actor, action="customer.updated", target=about, detail=detail)


def _combine(source: Customer, target: Customer) -> None:
    """Keep of the source's row what the target lacks. A block of either holds for both."""
    target.name = target.name or source.name
    target.locale = target.locale or source.locale
    if target.blocked_at is None:
        target.blocked_at, target.blocked_because = source.blocked_at, source.blocked_because
    source.merged_into = target.id
    source.deletion_due_at = None
