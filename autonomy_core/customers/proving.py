"""The proof of a mailbox, and what it gives: the account, and what guests bought with the address."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from autonomy_core.customers.merging import merge, move_leftovers
from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import find_customer_by_email, is_current
from autonomy_core.db.base import utcnow
from autonomy_core.kernel.events import CustomerVerified
from autonomy_core.kernel.scope import TenantScope, forbid_commit
from autonomy_core.mail.suppressions import allow

PROVEN = "the mailbox of the address was proven"


def prove_address(scope: TenantScope, email: str, *, within: UUID | None = None) -> Customer | None:
    """Record that the caller has access to the mailbox of an address; return the account.

    Without an account, the oldest guest with the address becomes the account. All other guests with the
    address are merged into it. At the account's first proof, the hook ``on_customer_verified`` is called.

    A stranger can register any address. So unless the first proof comes from a session of the account itself,
    what was set up for the account before is of an unproven person: ``CustomerVerified.from_outside``.

    Args:
        scope: the scope of the organisation.
        email: the address, normalised as at registration. The caller has verified the proof.
        within: the customer whose session presented the proof; None without a session.

    Returns:
        The account; None if no customer has the address.
    """
    account, guests, existed = _account_and_guests(scope, email)
    if account is None:
        return None
    if account.email_verified_at is None:
        _verify(scope, account, from_outside=existed and within != account.id)
    _claim(scope, account, guests)
    return account


def claim_guests(scope: TenantScope, customer: Customer) -> Customer | None:
    """Merge the guests with a proven address into its account, with what they have received meanwhile.

    A purchase of a guest may be completed after the address was proven. Repeated calls have no effect.

    Args:
        scope: the scope of the organisation.
        customer: a guest or an account with the address.

    Returns:
        The account; None if no account has the address, or its address is not proven.
    """
    account = find_customer_by_email(scope, customer.email)
    if account is None or not account.email_verified:
        return None
    account, guests, _ = _account_and_guests(scope, customer.email)
    if account is not None and account.email_verified:
        _claim(scope, account, guests)
    return account


def _account_and_guests(scope: TenantScope, email: str) -> tuple[Customer | None, list[Customer], bool]:
    """Lock the customers with an address: the account, the other guests, and whether the account existed."""
    # If all that it finds is merged while it waits, into an account that has just been registered, it returns
    # nothing. The second statement sees that account.
    found = _lock_current(scope, email) or _lock_current(scope, email)
    existed = any(not each.guest for each in found)
    if found and not existed and not _promote(scope, found[0]):
        # A registration with the address was committed a moment ago.
        found = _lock_current(scope, email)
        existed = True
    account = next((each for each in found if not each.guest), None)
    return account, [each for each in found if each is not account], existed


def _lock_current(scope: TenantScope, email: str) -> Sequence[Customer]:
    statement = (
        select(Customer)
        .where(Customer.email == email, is_current())
        .order_by(Customer.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return scope.session.scalars(statement).all()


def _promote(scope: TenantScope, guest: Customer) -> bool:
    """Make a guest the account of its address; return False if another account has the address."""
    try:
        with scope.session.begin_nested():
            guest.guest = False
    except IntegrityError:
        return False
    return True


def _verify(scope: TenantScope, account: Customer, *, from_outside: bool) -> None:
    account.email_verified_at = utcnow()
    if from_outside:
        _forget_wishes(account)
    if account.accepts_marketing:
        allow(scope, account.email, ["unsubscribed"])
    scope.session.flush()
    with forbid_commit(scope):
        event = CustomerVerified(scope, account.id, account.email, from_outside=from_outside)
        scope.hooks.call("on_customer_verified", event)


def _forget_wishes(account: Customer) -> None:
    """Forget what another person may have entered: the name in mails, the language, consent and deletion."""
    account.name = ""
    account.locale = account.marketing_at = account.marketing_source = account.deletion_due_at = None


def _claim(scope: TenantScope, account: Customer, guests: Sequence[Customer]) -> None:
    for guest in guests:
        merge(scope, guest, account, actor=f"customer:{account.id}", reason=PROVEN)
    move_leftovers(scope, account)
