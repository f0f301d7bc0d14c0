"""Since when customers own what they own: what was in a product when they bought it stays theirs."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, func, not_, or_, select

from autonomy_core.db.base import utcnow
from autonomy_core.grants.models import Grant
from autonomy_core.grants.services import environment_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments.models import Payment, PaymentItem

LATEST_NEWS = timedelta(days=8)
"""So long after it was opened a payment that has expired or failed may still turn out to be paid.

A checkout lasts for a day at most, and what a provider could not tell at once is fetched for another week.
"""


def bought_at(scope: TenantScope, customer_id: UUID, product_id: UUID) -> datetime | None:
    """When a customer began the first of the purchases by which they own a product now; None when they do not own it.

    The beginning counts, since that is when they saw what the product consists of.
    """
    statement = (
        select(func.min(Payment.created_at))
        .join(
            Grant,
            (Grant.organisation_id == Payment.organisation_id) & (Grant.payment_id == Payment.id),
        )
        .where(
            Grant.customer_id == customer_id,
            Grant.product_id == product_id,
            Grant.environment == environment_of(scope),
            Grant.revoked_at.is_(None),
        )
    )
    return scope.session.scalar(statement)


def first_bought_at(scope: TenantScope, product_id: UUID) -> datetime | None:
    """When the first purchase began that has given, or may still give, somebody a product; None when there is none.

    Revoked grants count, in test and in live: a dispute may be won. Payments that have expired or failed count
    until no news of them can be expected any more, see `LATEST_NEWS`.
    """
    same = Payment.organisation_id == scope.organisation.id
    in_bundle = exists().where(
        PaymentItem.organisation_id == Payment.organisation_id,
        PaymentItem.payment_id == Payment.id,
        PaymentItem.product_id == product_id,
    )
    given = exists().where(
        Grant.organisation_id == Payment.organisation_id,
        Grant.payment_id == Payment.id,
        Grant.product_id == product_id,
    )
    unpaid = Payment.status.in_((PaymentStatus.EXPIRED, PaymentStatus.FAILED))
    never_paid = unpaid & (Payment.created_at < utcnow() - LATEST_NEWS)
    bought = or_(Payment.product_id == product_id, in_bundle) & not_(never_paid)
    return scope.session.scalar(select(func.min(Payment.created_at)).where(same, or_(bought, given)))
