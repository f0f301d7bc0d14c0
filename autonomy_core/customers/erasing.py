"""Erase a customer's personal data. The ledger stays: amounts, dates, ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from autonomy_core.audit.services import change, record
from autonomy_core.customers.addresses import entered_addresses
from autonomy_core.customers.domain import ERASED, address_pattern
from autonomy_core.customers.models import Customer
from autonomy_core.db.base import utcnow
from autonomy_core.kernel.events import CustomerErased
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope, forbid_commit

log = structlog.get_logger(__name__)

ERASE_JOB = "customers.erase"
"""The job that erases a customer at the request of staff."""

EMPTY: Mapping[str, Any] = {
    "email": "",
    "name": "",
    "email_verified_at": None,
    "former_emails": [],
    "locale": None,
    "marketing_at": None,
    "marketing_source": None,
    "blocked_at": None,
    "blocked_because": None,
    "deletion_due_at": None,
}


def erase(scope: TenantScope, customer_id: UUID, *, actor: str) -> bool:
    """Erase the personal data of a customer, and of the customers who were merged into it.

    Everything happens in the scope's transaction, so a failing plugin leaves the customer as it was.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.
        actor: who erases, for the audit log.

    Returns:
        Whether this call erased it: False if it was erased before, or there is no such customer.
    """
    rows = _locked(scope, customer_id)
    if not rows:
        return False
    for row in rows:
        _erase_kept(scope, row)
    with forbid_commit(scope):
        scope.hooks.call("on_customer_erased", CustomerErased(scope, customer_id))
    for row in rows:
        _empty(row)
    scope.session.flush()
    detail = change({"erased": False}, {"erased": True})
    record(scope, actor=actor, action="customer.erased", target=f"customer:{customer_id}", detail=detail)
    log.info("customer.erased", customer_id=str(customer_id))
    return True


def _locked(scope: TenantScope, customer_id: UUID) -> list[Customer]:
    """Lock the customer, and then the customers who were merged into it, also while this waited."""
    own, merged = Customer.id == customer_id, Customer.merged_into == customer_id
    # In two statements: the second one sees a merging that the first one has waited for.
    return [row for which in (own, merged) for row in scope.session.scalars(_not_erased(which)).all()]


def _not_erased(which: ColumnElement[bool]) -> Select[Customer]:
    found = select(Customer).where(which, Customer.erased_at.is_(None)).order_by(Customer.id)
    return found.with_for_update(key_share=True).execution_options(populate_existing=True)


def _erase_kept(scope: TenantScope, customer: Customer) -> None:
    # The mails name addresses, and are emptied.
    addresses = entered_addresses(scope, customer.id)
    for kept in runtime_of(scope).personal_data:
        with forbid_commit(scope):
            kept.erase(scope, customer.id)
    for column in runtime_of(scope).free_texts:
        for address in addresses:
            _scrub(scope, column, address)


def _scrub(scope: TenantScope, column: InstrumentedAttribute[str | None], address: str) -> None:
    """Replace an address in a column of free text, such as an error message."""
    there = func.strpos(func.lower(column), address) > 0
    scope.session.execute(
        update(column.class_)
        .where(there)
        .values({column.key: func.regexp_replace(column, address_pattern(address), ERASED, "gi")})
        .execution_options(synchronize_session=False)
    )


def _empty(customer: Customer) -> None:
    for name, value in EMPTY.items():
        setattr(customer, name, value)
    customer.erased_at = utcnow()
