"""The one function that settles a payment, whatever has become of it.

Webhooks, return pages, reconcilers and command lines all end in `settle`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from autonomy_core.counters import count_payment_settled
from autonomy_core.db.base import utcnow
from autonomy_core.errors import NotFound
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus, Settlement
from autonomy_core.payments.checks import check_later
from autonomy_core.payments.completion import run_completion_hooks
from autonomy_core.payments.discounts import discounts_of
from autonomy_core.payments.domain import PaymentState, collected, next_collected, prove
from autonomy_core.payments.duplicates import look_for_duplicate
from autonomy_core.payments.journal import note
from autonomy_core.payments.models import Payment
from autonomy_core.payments.reversals import enforce_access, record_dispute, record_refund, state_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Settled:
    """What `settle` did: the payment as it is now, and whether this call changed it."""

    payment: Payment
    changed: bool


def settle(
    scope: TenantScope, settlement: Settlement, *, provider: str, locked: Payment | None = None
) -> Settled:
    """Move a payment to where a provider says it is; the second time nothing happens.

    The payment is locked first, so that of many callers at once one does the work and the others find it done.
    When the payment becomes completed, the hooks run in the same transaction, each in a savepoint. When money has
    gone back, what was granted is taken away or given back as the organisation's ini file says.

    Args:
        scope: the organisation, in the transaction that is to contain all of this.
        settlement: what the provider says, verified to come from it.
        provider: the provider that says so.
        locked: the payment, where the caller has read and locked it in this transaction.

    Raises:
        NotFound: this organisation has no such payment.
        ProofFailed: environment, amount, currency or provider are not the payment's, or a refund or a dispute has
            an amount that cannot be.
    """
    payment = locked or lock_payment(scope, settlement.payment_id)
    prove(
        settlement,
        provider=provider,
        of_provider=payment.provider,
        environment=payment.environment,
        amount=payment.amount,
        currency=payment.currency,
    )
    before = PaymentStatus(payment.status)
    news = _record_reversals(scope, payment, settlement)
    state = _state_after(scope, payment, settlement)
    if state.status == before and not news:
        return Settled(payment, changed=False)
    if news and state.contradicts_itself:
        _ask_for_the_truth(scope, payment)
    _write(payment, state, settlement)
    scope.session.flush()
    if state.status != before:
        _tell(scope, payment, before, settlement)
    if state.collected != collected(before):
        _follow_collecting(scope, payment, state)
    if payment.reversals:
        enforce_access(scope, payment)
    return Settled(payment, changed=True)


def _record_reversals(scope: TenantScope, payment: Payment, settlement: Settlement) -> bool:
    """Record what is reported of refunds and disputes. Returns whether any of it was news."""
    news = [record_refund(scope, payment, report) for report in settlement.refunds]
    news += [record_dispute(scope, payment, report) for report in settlement.disputes]
    payment.reversals = payment.reversals or bool(news)
    return any(news)


def _ask_for_the_truth(scope: TenantScope, payment: Payment) -> None:
    """Have the provider asked about refunds that exclude each other, instead of waiting for its next report."""
    log.warning("payment.refunds_contradict", payment_id=str(payment.id))
    check_later(scope, payment.id)


def _state_after(scope: TenantScope, payment: Payment, settlement: Settlement) -> PaymentState:
    state = state_of(scope, payment)
    if settlement.status is not None:
        state = replace(state, collected=next_collected(state.collected, settlement.status))
    return state


def _write(payment: Payment, state: PaymentState, settlement: Settlement) -> None:
    if state.collected != collected(PaymentStatus(payment.status)):
        payment.settled_by = settlement.source
        payment.failure_reason = settlement.reason if state.collected != PaymentStatus.COMPLETED else None
        if state.collected == PaymentStatus.COMPLETED:
            payment.completed_at = utcnow()
    payment.status = state.status
    payment.refunded_amount = state.refunded


def _follow_collecting(scope: TenantScope, payment: Payment, state: PaymentState) -> None:
    """Do what follows when collecting a payment has come further."""
    if payment.coupon_id is not None:
        discounts_of(scope).follow(scope, payment, state.collected)
    if state.collected == PaymentStatus.COMPLETED:
        run_completion_hooks(scope, payment)
        look_for_duplicate(scope, payment)


def _tell(scope: TenantScope, payment: Payment, before: PaymentStatus, settlement: Settlement) -> None:
    moved = {"before": before, "after": payment.status, "source": settlement.source}
    announce(scope, payment, **moved)
    note(scope, payment.id, "settled", reason=settlement.reason, **moved)


def announce(scope: TenantScope, payment: Any, **moved: str) -> None:
    """Log and count that a payment has changed its status.

    Args:
        payment: or a `LockedPayment`.
        moved: ``before``, ``after`` and ``source``.
    """
    log.info("payment.settled", payment_id=str(payment.id), **moved)
    count_payment_settled(scope.organisation.id, payment.environment, moved["after"])


def lock_payment(scope: TenantScope, payment_id: UUID) -> Payment:
    """The payment, locked until the transaction ends, with its product, which every hook and grant asks for.

    Raises:
        NotFound: this organisation has no such payment.
    """
    payment = scope.session.scalars(
        select(Payment)
        .where(Payment.organisation_id == scope.organisation.id, Payment.id == payment_id)
        .options(joinedload(Payment.product, innerjoin=True))
        .with_for_update(of=Payment)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if payment is None:
        raise NotFound("The organisation has no such payment.")
    return payment
