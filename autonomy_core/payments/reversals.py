"""Refunds and disputes: record reports, and update a payment's status and its buyer's access."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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
from autonomy_core.payments import journal
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
from autonomy_core.payments.models import Payment, PaymentDispute, PaymentRefund
from autonomy_core.payments.reversal_hooks import notify_revoked


@dataclass(frozen=True, slots=True)
class RefundNews:
    """A change of a refund.

    Attributes:
        refund: the refund.
        sends_money: whether its money is on its way to the buyer since this change.
    """

    refund: PaymentRefund
    sends_money: bool


def record_refund(scope: TenantScope, payment: Payment, report: RefundReport) -> RefundNews | None:
    """Record a provider's report of a refund of a locked payment; return the change, if there is one.

    Raises:
        ProofFailed: the refund is known with another amount.
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
    # Items are only added, so that the order of reports does not matter. Our own are known before the call.
    refund.items = items
    refund.status = next_refund(RefundStatus(before or report.status), report.status)
    if news or refund.status != before:
        scope.session.flush()  # assigns the id of a new refund
        _record_change(
            scope, payment, "refund", refund, before, refund=str(refund.id), products=as_text(items)
        )
        returned_before = before is not None and RefundStatus(before).returns_money
        returns = RefundStatus(refund.status).returns_money
        return RefundNews(refund, sends_money=returns and not returned_before)
    return None


def _known_refund(scope: TenantScope, payment: Payment, report: RefundReport) -> PaymentRefund | None:
    """Find a refund by the provider's id, or by our id if the provider's is not recorded yet.

    A failed refund without a provider's id was refused or given up. A report about it contradicts that. On
    the same row it would be ignored, because no state follows a failure; so it gets a new row.
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


def record_dispute(scope: TenantScope, payment: Payment, report: DisputeReport) -> PaymentDispute | None:
    """Record a provider's report of a dispute about a locked payment; return the dispute if it changed."""
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
        scope.session.flush()  # assigns the id of a new dispute
        _record_change(scope, payment, "dispute", dispute, before, currency=report.currency)
        return dispute
    return None


def _record_change(
    scope: TenantScope, payment: Payment, kind: str, row: Any, before: str | None, **more: Any
) -> None:
    facts = {"reference": row.reference, "amount": row.amount, "reason": row.reason, **more}
    journal.append(scope, payment.id, kind, before=before, after=row.status, **facts)


def as_text(product_ids: Collection[UUID]) -> list[str] | None:
    """Return products as text for the journal; None, which the journal omits, if there are none."""
    return [str(each) for each in product_ids] or None


def state_of(scope: TenantScope, payment: Payment) -> PaymentState:
    """Return the recorded state of a payment."""
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
    """Revoke or restore a payment's grants.

    Its refunds, its disputes and the organisation's settings decide.
    """
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
        journal.append(scope, payment.id, "access_restored", products=as_text(restored))
    if gone:
        _revoke(scope, payment, "refunded", only=gone)


def _revoke(scope: TenantScope, payment: Payment, reason: str, only: Collection[UUID] | None = None) -> None:
    now = utcnow()
    revoked = revoke_grants(scope, payment.id, reason, now, only=only)
    if revoked:
        journal.append(scope, payment.id, "access_revoked", reason=reason, products=as_text(revoked))
        notify_revoked(scope, payment, revoked, now)
