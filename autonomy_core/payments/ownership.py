"""Who has bought, and since when: from then on customers own the content that a product had."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, not_, or_, select, update

from autonomy_core.db.base import utcnow
from autonomy_core.grants.models import Grant
from autonomy_core.grants.services import environment_of, is_valid
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments import journal
from autonomy_core.payments.models import Payment, PaymentItem

LATEST_NEWS = timedelta(days=8)
"""How long after its creation an expired or failed payment may still be reported as paid.

A checkout lasts at most a day, and undelivered events are fetched for another week.
"""


def bought_at(scope: TenantScope, customer_id: UUID, product_id: UUID) -> datetime | None:
    """Return when a customer began the first valid purchase of a product; None if they do not own it.

    The beginning counts, because that is when the customer saw the product's content. What staff give counts
    from then on.
    """
    statement = _valid_grants(scope, customer_id, _BEGAN).where(Grant.product_id == product_id)
    return scope.session.scalar(statement)


def all_bought_at(scope: TenantScope, customer_id: UUID) -> dict[UUID, datetime]:
    """Return every product that a customer owns, by its id, with the moment that `bought_at` returns."""
    statement = _valid_grants(scope, customer_id, Grant.product_id, _BEGAN.label("began")).group_by(
        Grant.product_id
    )
    return {row.product_id: row.began for row in scope.session.execute(statement)}


_BEGAN = func.min(func.coalesce(Payment.created_at, Grant.granted_at))


def _valid_grants(scope: TenantScope, customer_id: UUID, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Grant)
        .outerjoin(
            Payment,
            (Grant.organisation_id == Payment.organisation_id) & (Grant.payment_id == Payment.id),
        )
        .where(is_valid(customer_id, environment_of(scope)))
    )


def first_bought_at(scope: TenantScope, product_id: UUID) -> datetime | None:
    """Return when the first purchase began that has granted a product, or may still grant it.

    Return None if there is no such purchase.

    Revoked grants count, in test and in live, because a dispute may be won. Expired and failed payments count
    until `LATEST_NEWS` has passed.
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
    first = scope.session.scalar(select(func.min(Payment.created_at)).where(same, or_(bought, given)))
    by_hand = scope.session.scalar(
        select(func.min(Grant.granted_at)).where(Grant.product_id == product_id, Grant.payment_id.is_(None))
    )
    return min((moment for moment in (first, by_hand) if moment is not None), default=None)


def move_payments(scope: TenantScope, source_id: UUID, target_id: UUID) -> None:
    """Give all payments of a customer to another.

    They are locked first, in the order in which settlements lock them. A settlement that has begun adds its
    grants before; one that begins later reads the new customer.
    """
    locked = select(Payment.id).where(Payment.customer_id == source_id).order_by(Payment.id).with_for_update()
    payment_ids = scope.session.scalars(locked).all()
    # The time stays, because reports read when the state of the money has changed.
    changed = {"customer_id": target_id, "updated_at": Payment.updated_at}
    scope.session.execute(update(Payment).where(Payment.id.in_(payment_ids)).values(changed))
    for payment_id in payment_ids:
        journal.append(scope, payment_id, "moved", from_customer=str(source_id), to_customer=str(target_id))
