"""The hooks about refunds, disputes and revoked grants. They are guarded and retried like completion hooks.

An event is made from the rows that it is about, which its subject names. So a retry reports what is true
then: a refund that has meanwhile succeeded is reported as succeeded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autonomy_core.grants.models import Grant
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.events import GrantRevoked, PaymentDisputed, PaymentRefunded
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import DisputeFacts, DisputeStatus, RefundFacts, RefundStatus
from autonomy_core.payments.hook_runs import Run, call_guarded, record_run
from autonomy_core.payments.models import Payment, PaymentDispute, PaymentRefund
from autonomy_core.payments.services import facts_of

REFUNDED, DISPUTED, REVOKED = "on_payment_refunded", "on_payment_disputed", "on_grant_revoked"

RETRY_REVERSAL_JOB = "payments.retry_reversal_hook"
"""The job that runs a failed hook again."""


def notify_refunded(scope: TenantScope, payment: Payment, refund: PaymentRefund) -> None:
    """Run the hooks for a refund that the provider has accepted."""
    _call_all(scope, payment, REFUNDED, str(refund.id))


def notify_disputed(scope: TenantScope, payment: Payment, dispute: PaymentDispute) -> None:
    """Run the hooks for the status that a dispute has reached."""
    _call_all(scope, payment, DISPUTED, f"{dispute.id} {dispute.status}")


def notify_revoked(
    scope: TenantScope, payment: Payment, product_ids: Collection[UUID], revoked_at: datetime
) -> None:
    """Run the hooks for the products whose grants were revoked."""
    for product_id in sorted(product_ids):
        _call_all(scope, payment, REVOKED, f"{product_id} {revoked_at.isoformat()}")


def _call_all(scope: TenantScope, payment: Payment, hook: str, subject: str) -> None:
    for implementation in scope.hooks.implementations(hook):
        run = Run(payment.id, implementation.plugin, hook, subject)
        event = event_of(scope, payment, run)
        error = call_guarded(scope, implementation, event)
        record_run(scope, run, error)
        if error is not None:
            payment_id, plugin = str(run.payment_id), run.plugin
            defer(scope, RETRY_REVERSAL_JOB, payment_id=payment_id, plugin=plugin, hook=hook, subject=subject)


def event_of(scope: TenantScope, payment: Payment, run: Run) -> Any:
    """Return the event of a run; None if what it would report is no longer true.

    Args:
        scope: the organisation.
        payment: the locked payment.
        run: the run, with one of the hooks of this module.
    """
    return _EVENTS[run.hook](scope, payment, run)


def _refunded(scope: TenantScope, payment: Payment, run: Run) -> PaymentRefunded:
    refund = scope.session.get_one(PaymentRefund, (scope.organisation.id, UUID(run.subject)))
    facts = RefundFacts(refund.id, refund.amount, RefundStatus(refund.status), tuple(refund.items))
    return PaymentRefunded(scope, facts_of(scope, payment), run.plugin, facts)


def _disputed(scope: TenantScope, payment: Payment, run: Run) -> PaymentDisputed:
    dispute_id, status = run.subject.split()
    dispute = scope.session.get_one(PaymentDispute, (scope.organisation.id, UUID(dispute_id)))
    facts = DisputeFacts(dispute.id, dispute.reference, DisputeStatus(status), dispute.reason)
    return PaymentDisputed(scope, facts_of(scope, payment), run.plugin, facts)


def _revoked(scope: TenantScope, payment: Payment, run: Run) -> GrantRevoked | None:
    product_id, revoked_at = run.subject.split()
    grant = scope.session.scalars(
        select(Grant)
        .where(
            Grant.payment_id == payment.id,
            Grant.product_id == UUID(product_id),
            Grant.revoked_at == datetime.fromisoformat(revoked_at),
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    if grant is None or grant.revoked_at is None:
        return None
    return GrantRevoked(
        scope=scope,
        plugin=run.plugin,
        customer_id=grant.customer_id,
        product_id=grant.product_id,
        payment_id=payment.id,
        environment=grant.environment,
        granted_by=grant.plugin,
        reason=grant.revoked_because or "",
        revoked_at=grant.revoked_at,
    )


_EVENTS: Mapping[str, Callable[[TenantScope, Payment, Run], Any]] = {
    REFUNDED: _refunded,
    DISPUTED: _disputed,
    REVOKED: _revoked,
}
