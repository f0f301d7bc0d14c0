"""A product that was paid twice, because the first payment came to light when the customer had bought again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, select, tuple_

from autonomy_core.grants.models import Grant
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments.models import Payment
from autonomy_core.payments.services import find_payment

DUPLICATE_JOB = "payments.refund_duplicate"
"""The job that gives a payment back for what had been paid already."""


def look_for_duplicate(scope: TenantScope, payment: Any) -> None:
    """Have a payment that has just been completed given back, if the organisation wants that and it is the second."""
    if scope.organisation.refund_duplicates and payment.amount:
        defer(scope, DUPLICATE_JOB, payment_id=str(payment.id))


def bought_before(scope: TenantScope, payment_id: UUID) -> UUID | None:
    """The payment by which the same customer had bought before, and still has, what a completed payment is for."""
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
    # Payments that were completed together have the same time, and still one of them is the second.
    earlier = tuple_(Payment.completed_at, Payment.id) < tuple_(payment.completed_at, payment.id)
    # A product of a bundle may have gone back without the rest.
    lost = exists().where(
        Grant.organisation_id == Payment.organisation_id,
        Grant.payment_id == Payment.id,
        Grant.revoked_at.is_not(None),
    )
    return select(Payment.id).where(*same, Payment.status.in_(paid), earlier, ~lost).limit(1)
