"""Erase guests who have not paid. Their addresses serve no purpose any more."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import exists, select

from autonomy_core.customers.erasing import erase
from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import is_current
from autonomy_core.db.base import utcnow
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments.models import Payment

KEPT_FOR = timedelta(days=30)
"""Longer than a checkout can be paid, and than a late event may arrive: see `ownership.LATEST_NEWS`."""

BATCH_ROWS = 200
"""How many guests one run erases, each in a transaction of its own."""

UNPAID = (PaymentStatus.PENDING, PaymentStatus.EXPIRED, PaymentStatus.FAILED)


def collect_guests(scope: TenantScope) -> None:
    """Erase guests whose only purchase was not paid within a month. The rows stay for the payments.

    Guests who were given something, for example by a download code, stay.
    """
    paid = exists(Payment.id).where(Payment.customer_id == Customer.id, Payment.status.not_in(UNPAID))
    given = exists(Grant.id).where(Grant.customer_id == Customer.id, Grant.revoked_at.is_(None))
    old = Customer.created_at < utcnow() - KEPT_FOR
    unpaid = select(Customer.id).where(Customer.guest, is_current(), old, ~paid, ~given).order_by(Customer.id)
    with scope.begin() as own:
        guest_ids = own.session.scalars(unpaid.limit(BATCH_ROWS)).all()
    for guest_id in guest_ids:
        with scope.begin() as own:
            # A payment may have been completed, or the guest claimed, since the search.
            if own.session.scalar(unpaid.where(Customer.id == guest_id).with_for_update(key_share=True)):
                erase(own, guest_id, actor="worker")
