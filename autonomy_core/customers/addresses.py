"""The address of a customer: its change, and what is found by it.

A stranger can register an address, and several guests may have the same. So what is found by an address may
be about other customers.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, false, func, or_, select
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
    proven = {former} if customer.email_verified else set()
    try:
        with scope.session.begin_nested():
            customer.former_emails = sorted({*customer.former_emails, *proven})
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

    These are the address and former ones, each only if the customer has proven the mailbox: a stranger
    can register, or ask for a change to, the address of another person. An address that another customer has
    is left out too, unless it is the proven address of this account: its traces may be about that customer.

    Args:
        scope: the scope of the organisation, in a transaction.
        customer_id: the customer.
    """
    customer = find_customer(scope, customer_id)
    if customer is None:
        return ()
    present = {customer.email} if customer.email_verified else set()
    return _without_those_of_others(scope, customer, {*customer.former_emails, *present})


def entered_addresses(scope: TenantScope, customer_id: UUID) -> Collection[str]:
    """Return the addresses that an erasure of the customer cuts out of texts, in lower case.

    These are `erasable_addresses`, and those that the customer has entered without proof: such a text
    loses an address and nothing else. The mails to the customer name them.

    Args:
        scope: the scope of the organisation, in a transaction.
        customer_id: the customer.
    """
    customer = find_customer(scope, customer_id)
    if customer is None:
        return ()
    mailed = select(func.lower(MailMessage.recipient)).where(MailMessage.customer_id == customer_id)
    entered = {customer.email, *customer.former_emails, *scope.session.scalars(mailed.distinct())}
    return _without_those_of_others(scope, customer, entered)


def may_contain(document: Any, addresses: Collection[str]) -> ColumnElement[bool]:
    """The SQL condition that a JSON column may contain one of some addresses.

    It finds parts of other addresses too. Check each row with `domain.contains_address`.

    Args:
        document: the column.
        addresses: the addresses, in any case.
    """
    text = func.lower(cast(document, Text))
    as_in_json = [json.dumps(address, ensure_ascii=False)[1:-1].lower() for address in addresses]
    return or_(false(), *(func.strpos(text, each) > 0 for each in as_in_json))


def _without_those_of_others(
    scope: TenantScope, customer: Customer, addresses: Collection[str]
) -> Collection[str]:
    # The addresses of customers are stored in lower case.
    known = {address.lower() for address in addresses} - {""}
    others = select(Customer.email).where(Customer.email.in_(known), Customer.id != customer.id, is_current())
    own = {customer.email.lower()} if customer.email_verified and customer.is_current else set()
    return sorted(known - (set(scope.session.scalars(others)) - own))
