"""The address of a customer: its change, and what is found by it.

A stranger can register an address, and several guests may have the same. So what is found by an address may
be about other customers.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import EmailTaken, find_customer, is_current
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.suppressions import suppress, suppressions_of


def change_email(scope: TenantScope, customer: Customer, email: str) -> None:
    """Give an account another address, which counts as unproven. Call `prove_address` with the proof.

    Args:
        scope: the scope of the organisation.
        customer: an account, which is locked until the transaction ends.
        email: the address, normalised as at registration.

    Raises:
        EmailTaken: another account has the address.
    """
    scope.session.refresh(customer, with_for_update={"key_share": True})
    former = customer.email
    try:
        with scope.session.begin_nested():
            customer.email, customer.email_verified_at = email, None
    except IntegrityError as error:
        raise EmailTaken from error
    if any(each.reason == "unsubscribed" for each in suppressions_of(scope, former)):
        suppress(scope, email, "unsubscribed")


def proven_address(scope: TenantScope, customer_id: UUID) -> str | None:
    """Return the address of a customer who has proven the mailbox. What is found by it may be shown to them.

    Args:
        scope: the scope of the organisation, in a transaction.
        customer_id: the customer.

    Returns:
        The address, as it is stored; None if it is not proven, or there is no such customer.
    """
    customer = find_customer(scope, customer_id)
    return customer.email if customer is not None and customer.email_verified else None


def erasable_addresses(scope: TenantScope, customer_id: UUID) -> Collection[str]:
    """Return the addresses of which an erasure of the customer removes every trace, in lower case.

    These are the address and former ones, which the mails to the customer name. An address that another
    customer has is left out: its traces may be about that one. Only who has proven the mailbox is the person
    of every trace.

    Args:
        scope: the scope of the organisation, in a transaction.
        customer_id: the customer.
    """
    customer = find_customer(scope, customer_id)
    if customer is None:
        return ()
    mailed = select(func.lower(MailMessage.recipient)).where(MailMessage.customer_id == customer_id)
    known = {customer.email.lower(), *scope.session.scalars(mailed.distinct())} - {""}
    # The addresses of customers are stored in lower case.
    others = select(Customer.email).where(Customer.email.in_(known), Customer.id != customer_id, is_current())
    own = {customer.email.lower()} if customer.email_verified and customer.is_current else set()
    return sorted(known - (set(scope.session.scalars(others)) - own))
