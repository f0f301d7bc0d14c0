"""Use cases of customers."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from autonomy_core.customers.models import Customer
from autonomy_core.db.base import uuid7
from autonomy_core.errors import Conflict
from autonomy_core.kernel.events import CustomerRegistered
from autonomy_core.kernel.scope import TenantScope


class EmailTaken(Conflict):
    """A customer with this address is there already."""

    code, title = "email_taken", "This e-mail address is registered already"


def find_customer(scope: TenantScope, customer_id: UUID) -> Customer | None:
    """A customer of this organisation, or None."""
    return scope.session.get(Customer, (scope.organisation.id, customer_id))


def find_customer_by_email(scope: TenantScope, email: str) -> Customer | None:
    """The customer with an address, or None.

    Args:
        email: normalised, as it was when the customer was made.
    """
    return scope.session.scalars(select(Customer).where(Customer.email == email)).one_or_none()


def register_customer(scope: TenantScope, email: str, name: str) -> Customer:
    """Make a customer, and tell the plugins.

    Args:
        email: normalised by the caller.

    Raises:
        EmailTaken: also when two requests register one address at the same moment.
    """
    customer = Customer(organisation_id=scope.organisation.id, id=uuid7(), email=email, name=name)
    try:
        with scope.session.begin_nested():
            scope.session.add(customer)
    except IntegrityError as error:
        raise EmailTaken from error
    scope.hooks.call("on_customer_registered", CustomerRegistered(scope, customer.id, customer.email))
    return customer
