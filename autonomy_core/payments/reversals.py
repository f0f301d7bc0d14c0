"""Refunds and disputes: what is known of them, and what follows for a payment and its buyer's access."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from autonomy_core.db.base import utcnow
from autonomy_core.grants.services import restore_grants, revoke_grants
from autonomy_core.payments.domain import (
    DisputeReport,
    DisputeStatus,
    PaymentState,
    PaymentStatus,
    ProofFailed,
    Refund,
    RefundReport,
    RefundStatus,
    collected,
    next_dispute,
    next_refund,
    reason_to_revoke,
)
from autonomy_core.payments.journal import note
from autonomy_core.payments.models import Payment, PaymentDispute, PaymentRefund
from autonomy_core.plugin_api.scope import TenantScope


def record_refund(scope: TenantScope, payment: Payment, report: RefundReport) -> bool:
    """Record what a provider says of a refund of a locked payment. Returns whether it was news.

    Raises:
        ProofFailed: a refund of that reference is known with another amount.
    """
    refund = _known_refund(scope, payment, report)
    before = refund.status if refund else None
    if refund is None:
        refund = _add_refund(scope, payment, report)
    if refund.amount != report.amount:
        raise ProofFailed(
            f"refund {report.reference}: {refund.amount} are known, {report.amount} are reported"
        )
    news = refund.reference is None or before is None
    refund.reference = report.reference
    refund.status = next_refund(RefundStatus(before or report.status), report.status)
    if news or refund.status != before:
        scope.session.flush()  # gives a new one its id
        _note(scope, payment, "refund", refund, before, refund=str(refund.id))
        return True
    return False


def _known_refund(scope: TenantScope, payment: Payment, report: RefundReport) -> PaymentRefund | None:
    """By the provider's id of it, or by ours where the provider's has not yet been noted."""
    of_payment = select(PaymentRefund).where(PaymentRefund.payment_id == payment.id)
    known = scope.session.scalars(of_payment.where(PaymentRefund.reference == report.reference)).one_or_none()
    if known is not None or report.refund_id is None:
        return known
    ours = of_payment.where(PaymentRefund.id == report.refund_id, PaymentRefund.reference.is_(None))
    return scope.session.scalars(ours).one_or_none()


def _add_refund(scope: TenantScope, payment: Payment, report: RefundReport) -> PaymentRefund:
    refund = PaymentRefund(
        organisation_id=scope.organisation.id,
        payment_id=payment.id,
        reference=report.reference,
        amount=report.amount,
        status=report.status,
        reason=report.reason,
    )
    scope.session.add(refund)
    return refund


def record_dispute(scope: TenantScope, payment: Payment, report: DisputeReport) -> bool:
    """Record what a provider says of a dispute about a locked payment. Returns whether it was news."""
    dispute = scope.session.scalars(
        select(PaymentDispute).where(
            PaymentDispute.payment_id == payment.id, PaymentDispute.reference == report.reference
        )
    ).one_or_none()
    before = dispute.status if dispute else None
    if dispute is None:
        dispute = PaymentDispute(
            organisation_id=scope.organisation.id,
            payment_id=payment.id,
            reference=report.reference,
            amount=report.amount,
            status=report.status,
            reason=report.reason,
        )
        scope.session.add(dispute)
    dispute.status = next_dispute(DisputeStatus(before or report.status), report.status)
    if dispute.status != before:
        _note(scope, payment, "dispute", dispute, before)
        return True
    return False


def _note(scope: TenantScope, payment: Payment, kind: str, row: Any, before: str | None, **more: str) -> None:
    facts = {"reference": row.reference, "amount": row.amount, "reason": row.reason, **more}
    note(scope, payment.id, kind, before=before, after=row.status, **facts)


def state_of(scope: TenantScope, payment: Payment) -> PaymentState:
    """What a payment's status follows from, as it is recorded."""
    now = collected(PaymentStatus(payment.status))
    if not payment.reversals:
        return PaymentState(now, payment.amount)
    scope.session.flush()
    refunds = scope.session.execute(
        select(PaymentRefund.amount, PaymentRefund.status).where(PaymentRefund.payment_id == payment.id)
    )
    disputes = scope.session.scalars(
        select(PaymentDispute.status).where(PaymentDispute.payment_id == payment.id)
    )
    return PaymentState(
        now,
        payment.amount,
        tuple(Refund(amount, RefundStatus(status)) for amount, status in refunds),
        tuple(DisputeStatus(status) for status in disputes),
    )


def enforce_access(scope: TenantScope, payment: Payment) -> None:
    """Take away what a payment has granted, or give it back, as its refunds and disputes and the organisation want."""
    reason = reason_to_revoke(
        state_of(scope, payment),
        after_refund=scope.organisation.access_after_refund,
        after_dispute=scope.organisation.access_after_dispute,
    )
    if reason is None:
        changed, kind = restore_grants(scope, payment.id), "access_restored"
    else:
        changed, kind = revoke_grants(scope, payment.id, reason, utcnow()), "access_revoked"
    if changed:
        note(scope, payment.id, kind, reason=reason, products=[str(each) for each in changed])
