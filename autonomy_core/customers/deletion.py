"""A customer's request to be deleted, which can be withdrawn for a while."""

from __future__ import annotations

from uuid import UUID

import structlog
from sqlalchemy import select

from autonomy_core.customers.changing import change_customer
from autonomy_core.customers.domain import DELETION_AFTER
from autonomy_core.customers.erasing import erase
from autonomy_core.customers.mails import notify_of_deletion
from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import is_current, lock_current
from autonomy_core.db.base import utcnow
from autonomy_core.kernel.retries import TryAgain
from autonomy_core.kernel.scope import TenantScope

log = structlog.get_logger(__name__)


def request_deletion(scope: TenantScope, customer: Customer) -> Customer:
    """Have a customer's data erased in two weeks. A repeated request keeps the first date."""
    lock_current(scope, customer)
    if customer.deletion_due_at is None:
        due = {"deletion_due_at": utcnow() + DELETION_AFTER}
        change_customer(scope, customer, due, actor=f"customer:{customer.id}")
        notify_of_deletion(scope, customer)
    return customer


def withdraw_deletion(scope: TenantScope, customer: Customer) -> Customer:
    """Keep a customer who asked to be deleted. Without such a request it changes nothing."""
    change_customer(scope, customer, {"deletion_due_at": None}, actor=f"customer:{customer.id}")
    return customer


def erase_due(scope: TenantScope) -> None:
    """Erase the customers whose time has come, each in a transaction of its own.

    Raises:
        TryAgain: an erasure failed. The others have been done.
    """
    due = select(Customer.id).where(Customer.deletion_due_at <= utcnow(), is_current())
    with scope.begin() as own:
        customer_ids = own.session.scalars(due.order_by(Customer.deletion_due_at)).all()
    failed = [customer_id for customer_id in customer_ids if not _erase_one(scope, customer_id)]
    if failed:
        raise TryAgain(f"{len(failed)} customers could not be erased; the log says why")


def _erase_one(scope: TenantScope, customer_id: UUID) -> bool:
    try:
        with scope.begin() as own:
            still_due = select(Customer.id).where(
                Customer.id == customer_id, Customer.deletion_due_at <= utcnow(), is_current()
            )
            # The customer may withdraw the request until this lock.
            if own.session.scalar(still_due.with_for_update(key_share=True)) is not None:
                erase(own, customer_id, actor="worker")
    except Exception:
        log.exception("customer.not_erased", customer_id=str(customer_id))
        return False
    return True
