"""Duplicate payments: the customer bought again before the first payment was reported."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, exists, select, tuple_

from autonomy_core.grants.models import Grant
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentFacts, PaymentStatus
from autonomy_core.payments.models import Payment
from autonomy_core.payments.services import find_payment

DUPLICATE_JOB = "payments.refund_duplicate"
"""The job that refunds a duplicate payment."""


def look_for_duplicate(scope: TenantScope, payment: PaymentFacts) -> None:
    """Defer the job that refunds a completed payment if it is a duplicate.

    There is no job if the organisation does not refund duplicates, or if nothing was paid.
    """
    if scope.organisation.refund_duplicates and payment.amount:
        defer(scope, DUPLICATE_JOB, payment_id=str(payment.id))


def bought_before(scope: TenantScope, payment_id: UUID) -> UUID | None:
    """Return the id of the customer's earlier payment for the same product.

    Return None if there is none with valid grants, or if the payment itself is not completed.
    """
    payment = find_payment(scope, payment_id)
    if payment is None or payment.status != PaymentStatus.COMPLETED:
        return None
    return scope.session.scalar(_before(payment))


def _before(payment: Payment) -> Select[UUID]:
    same = (
        Payment.customer_id == payment.customer_id,
        Payment.product_id == payment.product_id,
        Payment.environment == payment.environment,
    )
    paid = (PaymentStatus.COMPLETED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.DISPUTE_WON)
    # Payments that were completed together have the same time, so the id decides which is the second.
    earlier = tuple_(Payment.completed_at, Payment.id) < tuple_(payment.completed_at, payment.id)
    # A refunded product of a bundle makes the earlier purchase incomplete.
    lost = exists().where(
        Grant.organisation_id == Payment.organisation_id,
        Grant.payment_id == Payment.id,
        Grant.revoked_at.is_not(None),
    )
    return select(Payment.id).where(*same, Payment.status.in_(paid), earlier, ~lost).limit(1)
