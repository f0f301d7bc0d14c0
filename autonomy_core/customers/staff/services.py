"""What staff do with customers: find, block, merge, write notes, erase."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, not_, or_, select, update
from sqlalchemy.orm import aliased

from autonomy_core.audit.services import change, record
from autonomy_core.customers.changing import change_customer
from autonomy_core.customers.domain import holds_address
from autonomy_core.customers.erasing import ERASE_JOB
from autonomy_core.customers.merging import merge
from autonomy_core.customers.models import Customer, CustomerNote
from autonomy_core.customers.services import find_customer, is_current, lock_current
from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.errors import Conflict, InvalidInput
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.security.members import member_of
from autonomy_core.web.schemas import paginate


class AddressInReason(InvalidInput):
    """A reason contains an e-mail address. Reasons stay when the customer is erased; notes are erased."""

    code, title = "address_in_reason", "A reason must not contain an e-mail address"


class UnknownCustomer(InvalidInput):
    """The organisation has no customer with the given id."""

    code, title = "unknown_customer", "There is no such customer"


class CustomerIsStaff(Conflict):
    """The customer is a member of staff. Who may end the membership decides about the account first."""

    code, title = "customer_is_staff", "This account belongs to staff: end the membership first"


def require_no_member(scope: TenantScope, *customers: Customer) -> None:
    """Refuse what would shut a member of staff out, or give the member's rights to another account.

    Helping customers needs fewer rights than a member of staff may have.

    Raises:
        CustomerIsStaff
    """
    if any(member_of(scope, customer.id) is not None for customer in customers):
        raise CustomerIsStaff


def require_no_address(reason: str) -> None:
    """Refuse a reason that an erasure could not remove.

    Raises:
        AddressInReason
    """
    if holds_address(reason):
        raise AddressInReason


def find_customers(scope: TenantScope, query: Mapping[str, Any]) -> dict[str, Any]:
    """Select one page of the customers that staff look for, newest first.

    Args:
        scope: the organisation; its own transaction is not used, because a provider may be called.
        query: what `CustomerQuery` loaded.

    Raises:
        Unavailable: see `customer_of_reference`.
    """
    wanted = _customers_matching(query["q"], guest=query["guest"], blocked=query["blocked"])
    if query["reference"] is not None:
        wanted = wanted.where(Customer.id == customer_of_reference(scope, query["reference"]))
    with scope.begin() as own:
        return paginate(own.session, wanted, Customer.id, query)


def _customers_matching(
    words: str | None = None, *, guest: str | None = None, blocked: str | None = None
) -> Select[Customer]:
    """Select customers who are neither erased nor merged.

    Args:
        words: a part of the address or of the name, without case.
        guest: ``true`` for guests, ``false`` for accounts; None for both.
        blocked: ``true`` for blocked customers, ``false`` for the others; None for both.
    """
    wanted: list[ColumnElement[bool]] = [is_current()]
    if words is not None:
        wanted.append(_has_words(words))
    if guest is not None:
        wanted.append(Customer.guest.is_(guest == "true"))
    if blocked is not None:
        is_blocked_now = Customer.blocked_at.is_not(None)
        wanted.append(is_blocked_now if blocked == "true" else not_(is_blocked_now))
    return select(Customer).where(*wanted)


def _has_words(words: str) -> ColumnElement[bool]:
    """Also by the address of a customer who was merged into the account."""
    merged = aliased(Customer)
    before = select(merged.merged_into).where(
        merged.merged_into.is_not(None), or_(_contains(merged.email, words), _contains(merged.name, words))
    )
    return or_(_contains(Customer.email, words), _contains(Customer.name, words), Customer.id.in_(before))


def _contains(column: Any, words: str) -> ColumnElement[bool]:
    return func.strpos(func.lower(column), func.lower(words)) > 0


def customer_of_reference(scope: TenantScope, reference: str) -> UUID | None:
    """Return the customer of a payment's id, or of a provider's id of a payment, refund or checkout.

    Args:
        scope: the organisation; its own transaction is not used, because a provider may be called.
        reference: the id.

    Raises:
        Unavailable: a provider that has to be asked does not answer.
    """
    finders = runtime_of(scope).customer_finders
    return next((found for find in finders if (found := find(scope, reference)) is not None), None)


def block(scope: TenantScope, customer: Customer, reason: str, *, actor: str) -> Customer:
    """Block a customer, who can then neither log in nor buy. Plugins end the logins.

    Raises:
        AddressInReason, CustomerIsStaff
    """
    require_no_address(reason)
    lock_current(scope, customer)
    require_no_member(scope, customer)
    values = {"blocked_at": customer.blocked_at or utcnow(), "blocked_because": reason}
    change_customer(scope, customer, values, actor=actor)
    return customer


def unblock(scope: TenantScope, customer: Customer, *, actor: str) -> Customer:
    """End the block of a customer. Repeated calls have no effect."""
    change_customer(scope, customer, {"blocked_at": None, "blocked_because": None}, actor=actor)
    return customer


def is_blocked(scope: TenantScope, email: str) -> bool:
    """Return whether a customer with an address is blocked, an account or a guest."""
    statement = select(Customer.id).where(
        Customer.email == email, Customer.blocked_at.is_not(None), is_current()
    )
    return scope.session.scalars(statement.limit(1)).first() is not None


def merge_into(
    scope: TenantScope, customer: Customer, target_id: UUID, reason: str, *, actor: str
) -> Customer:
    """Merge a customer into an account; return the account.

    Raises:
        UnknownCustomer, NotMergeable, AddressInReason, CustomerIsStaff
    """
    require_no_address(reason)
    target = find_customer(scope, target_id)
    if target is None:
        raise UnknownCustomer
    require_no_member(scope, customer, target)
    merge(scope, customer, target, actor=actor, reason=reason)
    return target


def have_erased(scope: TenantScope, customer: Customer, *, actor: str) -> datetime:
    """Have a customer erased by a job, because the search in stored events may take long.

    Returns:
        When it is due: now.

    Raises:
        CustomerIsStaff
    """
    now = utcnow()
    lock_current(scope, customer)
    require_no_member(scope, customer)
    change_customer(scope, customer, {"deletion_due_at": now}, actor=actor)
    defer(scope, ERASE_JOB, customer_id=str(customer.id), actor=actor)
    return now


def add_note(scope: TenantScope, customer: Customer, text: str, *, actor: str) -> CustomerNote:
    """Write a note about a customer. The audit log says who wrote one, and not what it says."""
    lock_current(scope, customer)
    note = CustomerNote(
        organisation_id=scope.organisation.id, id=uuid7(), customer_id=customer.id, author=actor, text=text
    )
    scope.session.add(note)
    target, detail = f"customer:{customer.id}", change({}, {"note": note.id})
    record(scope, actor=actor, action="customer.noted", target=target, detail=detail)
    scope.session.flush()
    return note


def notes_of(customer_id: UUID) -> Select[CustomerNote]:
    """Select the notes about a customer."""
    return select(CustomerNote).where(CustomerNote.customer_id == customer_id)


def move_notes(scope: TenantScope, source_id: UUID, target_id: UUID) -> None:
    """Give the notes about a customer to another."""
    mine = update(CustomerNote).where(CustomerNote.customer_id == source_id)
    scope.session.execute(mine.values(customer_id=target_id))
