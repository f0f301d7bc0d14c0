"""Services of customers: find them, and add accounts and guests. `proving` connects the two."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, and_, not_, select
from sqlalchemy.exc import IntegrityError

from autonomy_core.customers.mails import welcome
from autonomy_core.customers.models import Customer
from autonomy_core.db.base import uuid7
from autonomy_core.errors import Conflict, NotFound
from autonomy_core.kernel.events import CustomerRegistered
from autonomy_core.kernel.scope import TenantScope, forbid_commit


class EmailTaken(Conflict):
    """An account with this address exists."""

    code, title = "email_taken", "This e-mail address is registered already"


def find_customer(scope: TenantScope, customer_id: UUID) -> Customer | None:
    """Return a customer of this organisation, also a guest, an erased or a merged one; or None."""
    return scope.session.get(Customer, (scope.organisation.id, customer_id))


def find_customer_by_email(scope: TenantScope, email: str) -> Customer | None:
    """Return the account with an address, or None. Guests are not found.

    Args:
        scope: the scope of the organisation.
        email: the address, normalised as at registration.
    """
    return scope.session.scalars(select(Customer).where(Customer.email == email, is_account())).one_or_none()


def lock_current(scope: TenantScope, customer: Customer) -> None:
    """Lock a customer's row until the transaction ends, and read it again.

    The lock leaves rows of other tables free to refer to the customer.

    Raises:
        NotFound: the customer was erased or merged meanwhile.
    """
    scope.session.refresh(customer, with_for_update={"key_share": True})
    if not customer.is_current:
        raise NotFound


def is_current() -> ColumnElement[bool]:
    """The SQL condition that a customer is neither erased nor merged into another."""
    return and_(Customer.erased_at.is_(None), Customer.merged_into.is_(None))


def is_account() -> ColumnElement[bool]:
    """The SQL condition that a customer is an account, which the address identifies."""
    return and_(not_(Customer.guest), is_current())


def register_customer(scope: TenantScope, email: str, name: str, *, locale: str | None = None) -> Customer:
    """Create an account, call the hook ``on_customer_registered``, and welcome the customer by mail.

    Purchases of guests with the same address stay apart until the address is proven.

    Args:
        scope: the scope of the organisation.
        email: the address, normalised by the caller.
        name: the customer's name.
        locale: the language of the customer's mails, a tag of BCP 47; None for the organisation's.

    Raises:
        EmailTaken: the account exists, or a concurrent request has registered it.
    """
    customer = add_account(scope, email, name, locale=locale)
    welcome(scope, customer)
    return customer


def add_account(scope: TenantScope, email: str, name: str, *, locale: str | None = None) -> Customer:
    """`register_customer` without the mail."""
    customer = Customer(
        organisation_id=scope.organisation.id, id=uuid7(), email=email, name=name, locale=locale
    )
    try:
        with scope.session.begin_nested():
            scope.session.add(customer)
    except IntegrityError as error:
        raise EmailTaken from error
    with forbid_commit(scope):
        scope.hooks.call("on_customer_registered", CustomerRegistered(scope, customer.id, customer.email))
    return customer


def add_guest(scope: TenantScope, email: str, name: str = "", *, locale: str | None = None) -> Customer:
    """Add the buyer of one purchase without an account.

    Each purchase adds its own row, so neither the purchase nor its answer depends on who else has the
    address. No hook is called.

    Args:
        scope: the scope of the organisation. Its transaction may be a `DriverTransaction`.
        email: the address, normalised as at registration.
        name: the buyer's name, if it is known.
        locale: the language of the buyer's mails, a tag of BCP 47; None for the organisation's.
    """
    guest = Customer(
        organisation_id=scope.organisation.id, id=uuid7(), email=email, name=name, locale=locale, guest=True
    )
    scope.add(guest)
    return guest
