"""Use cases: to register and to log in. What follows a login is in `sessions`.

A hash takes tens of milliseconds and may wait for its turn. No database connection is held meanwhile: what
must be known before is read in a transaction of its own, and the request's own begins afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select, update

from autonomy_core.plugin_api.customers import Customer, register_customer
from autonomy_core.plugin_api.errors import NotAuthenticated
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth import attempts
from customer_auth.domain import Bucket
from customer_auth.models import Credential
from customer_auth.passwords import Passwords, passwords
from customer_auth.sessions import Tokens, open_session
from customer_auth.settings import PLUGIN


class InvalidCredentials(NotAuthenticated):
    """The same answer for an unknown address and for a wrong password, after the same time."""

    code, title = "invalid_credentials", "The e-mail address or the password is wrong"


@dataclass(frozen=True, slots=True)
class KnownCredential:
    """A customer's password, as it was before the login's own transaction."""

    customer_id: UUID
    password_hash: str = field(repr=False)


def register(
    scope: TenantScope, *, email: str, password: str, name: str, client_address: str | None
) -> tuple[Customer, Tokens]:
    """Make a customer with a password, and log them in.

    Args:
        email: in its canonical form.
        password: as it was sent, found strong enough.
        name: how the customer wants to be called.
        client_address: where the request comes from.

    Raises:
        TooManyRequests: too many registrations from this address.
        EmailTaken: the address is another customer's; this is the one answer that tells so, see
            docs/decisions/0003-registration-reveals-taken-addresses.md.
        Unavailable: too many are waiting for a hash.
    """
    with scope.runtime.transaction(scope.organisation) as own:
        attempts.count(own, attempts.registration_buckets(scope, client_address))
    password_hash = _passwords(scope).hash(password)
    customer = register_customer(scope, email, name)
    scope.session.add(
        Credential(
            organisation_id=scope.organisation.id, customer_id=customer.id, password_hash=password_hash
        )
    )
    return customer, open_session(scope, customer.id)


def log_in(scope: TenantScope, *, email: str, password: str, client_address: str | None) -> Tokens:
    """Tokens for a customer who knows the password.

    Args:
        email: in its canonical form.
        password: as it was sent.
        client_address: where the request comes from.

    Raises:
        TooManyRequests: too many failed logins for this account, which need not exist, or from this address.
        InvalidCredentials: it does not fit.
        Unavailable: too many are waiting for a hash.
    """
    buckets = attempts.login_buckets(scope, email, client_address)
    known = _count_and_look_up(scope, buckets, email)
    if not _passwords(scope).matches(password, known.password_hash if known else None) or known is None:
        raise InvalidCredentials
    _renew_hash(scope, known, password)
    attempts.forgive(scope, buckets)
    return open_session(scope, known.customer_id)


def _count_and_look_up(scope: TenantScope, buckets: list[Bucket], email: str) -> KnownCredential | None:
    statement = (
        select(Credential.customer_id, Credential.password_hash)
        .join(Customer, Customer.id == Credential.customer_id)
        .where(Customer.email == email)
    )
    with scope.runtime.transaction(scope.organisation) as own:
        attempts.count(own, buckets)
        found = own.session.execute(statement).one_or_none()
    return KnownCredential(*found) if found else None


def _renew_hash(scope: TenantScope, known: KnownCredential, password: str) -> None:
    """Hash again with today's parameters; only while the password is known can this be done."""
    if not Passwords.is_outdated(known.password_hash):
        return
    new_hash = _passwords(scope).hash(password)
    # A password that was changed in the meantime stays changed.
    statement = update(Credential).where(
        Credential.customer_id == known.customer_id, Credential.password_hash == known.password_hash
    )
    scope.session.execute(statement.values(password_hash=new_hash, changed_at=utcnow()))


def _passwords(scope: TenantScope) -> Passwords:
    return passwords(scope.server_settings(PLUGIN)["hashes_at_once"])
