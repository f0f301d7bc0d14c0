"""Refunds and disputes: what is known of them, and what follows for a payment and its buyer's access."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autonomy_core.db.base import utcnow
from autonomy_core.grants.services import restore_grants, revoke_grants
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import (
    DisputeReport,
    DisputeStatus,
    PaymentStatus,
    RefundReport,
    RefundStatus,
)
from autonomy_core.payments.domain import (
    PaymentState,
    ProofFailed,
    Refund,
    collected,
    items_to_revoke,
    next_dispute,
    next_refund,
    reason_to_revoke,
)
from autonomy_core.payments.journal import note
from autonomy_core.payments.models import Payment, PaymentDispute, PaymentRefund


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
    items = sorted(report.items.union(refund.items))
    news = refund.reference is None or before is None or items != refund.items
    refund.reference = report.reference
    # They only ever become more, so that reports may come in any order. Ours are known before the provider is asked.
    refund.items = items
    refund.status = next_refund(RefundStatus(before or report.status), report.status)
    if news or refund.status != before:
        scope.session.flush()  # gives a new one its id
        _note(scope, payment, "refund", refund, before, refund=str(refund.id), products=as_text(items))
        return True
    return False


def _known_refund(scope: TenantScope, payment: Payment, report: RefundReport) -> PaymentRefund | None:
    """By the provider's id of it, or by ours where the provider's has not yet been noted.

    One that has failed without an id of the provider's was refused or given up. A report of it contradicts that, and
    would be overlooked on its row, where nothing follows failure: it gets a row of its own.
    """
    of_payment = select(PaymentRefund).where(PaymentRefund.payment_id == payment.id)
    known = scope.session.scalars(of_payment.where(PaymentRefund.reference == report.reference)).one_or_none()
    if known is not None or report.refund_id is None:
        return known
    ours = of_payment.where(
        PaymentRefund.id == report.refund_id,
        PaymentRefund.reference.is_(None),
        PaymentRefund.status != RefundStatus.FAILED,
    )
    return scope.session.scalars(ours).one_or_none()


def _add_refund(scope: TenantScope, payment: Payment, report: RefundReport) -> PaymentRefund:
    refund = PaymentRefund(
        organisation_id=scope.organisation.id,
        payment_id=payment.id,
        reference=report.reference,
        amount=report.amount,
        items=sorted(report.items),
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


def _note(scope: TenantScope, payment: Payment, kind: str, row: Any, before: str | None, **more: Any) -> None:
    facts = {"reference": row.reference, "amount": row.amount, "reason": row.reason, **more}
    note(scope, payment.id, kind, before=before, after=row.status, **facts)


def as_text(product_ids: Collection[UUID]) -> list[str] | None:
    """Products for the journal; None, which it leaves out, where there are none."""
    return [str(each) for each in product_ids] or None


def state_of(scope: TenantScope, payment: Payment) -> PaymentState:
    """What a payment's status follows from, as it is recorded."""
    now = collected(PaymentStatus(payment.status))
    if not payment.reversals:
        return PaymentState(now, payment.amount)
    scope.session.flush()
    refunds = scope.session.execute(
        select(PaymentRefund.amount, PaymentRefund.status, PaymentRefund.items).where(
            PaymentRefund.payment_id == payment.id
        )
    )
    disputes = scope.session.scalars(
        select(PaymentDispute.status).where(PaymentDispute.payment_id == payment.id)
    )
    return PaymentState(
        now,
        payment.amount,
        tuple(Refund(amount, RefundStatus(status), frozenset(items)) for amount, status, items in refunds),
        tuple(DisputeStatus(status) for status in disputes),
    )


def enforce_access(scope: TenantScope, payment: Payment) -> None:
    """Take away what a payment has granted, or give it back, as its refunds and disputes and the organisation want."""
    state, after_refund = state_of(scope, payment), scope.organisation.access_after_refund
    reason = reason_to_revoke(
        state, after_refund=after_refund, after_dispute=scope.organisation.access_after_dispute
    )
    if reason is not None:
        _revoke(scope, payment, reason)
        return
    gone = items_to_revoke(state, after_refund=after_refund)
    restored = restore_grants(scope, payment.id, but=gone)
    if restored:
        note(scope, payment.id, "access_restored", products=as_text(restored))
    if gone:
        _revoke(scope, payment, "refunded", only=gone)


def _revoke(scope: TenantScope, payment: Payment, reason: str, only: Collection[UUID] | None = None) -> None:
    revoked = revoke_grants(scope, payment.id, reason, utcnow(), only=only)
    if revoked:
        note(scope, payment.id, "access_revoked", reason=reason, products=as_text(revoked))
