"""Use cases: to register, to log in, to change the password. What follows a login is in `sessions`.

A hash takes tens of milliseconds and may wait for its turn. No database connection is held meanwhile: what
must be known before is read in a transaction of its own, and the request's own begins afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from autonomy_core.plugin_api.customers import Customer, register_customer
from autonomy_core.plugin_api.errors import Conflict, InvalidInput, NotAuthenticated
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth import attempts
from customer_auth.models import Credential
from customer_auth.new_passwords import require_strong
from customer_auth.passwords import Passwords, passwords
from customer_auth.sessions import Tokens, end_all_sessions, open_session
from customer_auth.settings import PLUGIN


class InvalidCredentials(NotAuthenticated):
    """The same answer for an unknown address and for a wrong password, after the same time."""

    code, title = "invalid_credentials", "The e-mail address or the password is wrong"


class WrongPassword(InvalidInput):
    """The customer is logged in, and the password that was to be changed is another."""

    code, title = "wrong_password", "The present password is another"


@dataclass(frozen=True, slots=True)
class KnownCredential:
    """A customer's password, as it was before the request's own transaction."""

    customer_id: UUID
    password_hash: str = field(repr=False)
    email: str
    name: str


def register(
    scope: TenantScope, *, email: str, password: str, name: str, client_address: str | None
) -> tuple[Customer, Tokens]:
    """Make a customer with a password, and log them in.

    Args:
        email: in its canonical form.
        password: as it was sent.
        name: how the customer wants to be called.
        client_address: where the request comes from.

    Raises:
        WeakPassword: it would be guessed first.
        TooManyRequests: too many registrations from this address.
        EmailTaken: the address is another customer's; this is the one answer that tells so, see
            docs/decisions/0003-registration-reveals-taken-addresses.md.
        Unavailable: too many are waiting for a hash.
    """
    require_strong(scope, password, member="password", email=email, name=name)
    with scope.begin() as own:
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
    with scope.begin() as own:
        attempts.count(own, buckets)
        known = _look_up(own, Customer.email == email)
    if not _passwords(scope).matches(password, known.password_hash if known else None) or known is None:
        raise InvalidCredentials
    new_hash = _passwords(scope).hash(password) if Passwords.is_outdated(known.password_hash) else None
    if not _is_still(scope, known):
        raise InvalidCredentials
    if new_hash is not None:
        _store(scope, known, new_hash)
    attempts.forgive(scope, buckets)
    return open_session(scope, known.customer_id)


def change_password(
    scope: TenantScope,
    customer_id: UUID,
    *,
    current_password: str,
    new_password: str,
    client_address: str | None,
) -> Tokens:
    """Give a customer another password and end all their logins; gives the tokens of a new login.

    Args:
        customer_id: who is logged in.
        current_password: as it was sent.
        new_password: as it was sent.
        client_address: where the request comes from.

    Raises:
        TooManyRequests: too many wrong passwords for this account, or from this address.
        WrongPassword: the present password is another.
        WeakPassword: the new one would be guessed first.
        Conflict: another request has changed it meanwhile.
        Unavailable: too many are waiting for a hash.
    """
    with scope.begin() as own:
        known = _look_up(own, Customer.id == customer_id)
        if known is None:
            raise WrongPassword
        # Before it is counted: who looks for a strong password guesses none.
        require_strong(scope, new_password, member="new_password", email=known.email, name=known.name)
        buckets = attempts.login_buckets(scope, known.email, client_address)
        attempts.count(own, buckets)
    if not _passwords(scope).matches(current_password, known.password_hash):
        raise WrongPassword
    new_hash = _passwords(scope).hash(new_password)
    if not _is_still(scope, known):
        raise Conflict("The password was changed a moment ago.")
    _store(scope, known, new_hash)
    end_all_sessions(scope, customer_id)
    attempts.forgive(scope, buckets)
    return open_session(scope, customer_id)


def _look_up(scope: TenantScope, condition: ColumnElement[bool]) -> KnownCredential | None:
    statement = (
        select(Credential.customer_id, Credential.password_hash, Customer.email, Customer.name)
        .join(Customer, Customer.id == Credential.customer_id)
        .where(condition)
    )
    found = scope.session.execute(statement).one_or_none()
    return KnownCredential(*found) if found else None


def _is_still(scope: TenantScope, known: KnownCredential) -> bool:
    """Whether the password is still the one that was looked up; it then stays so until the transaction ends.

    Without this lock a login with the old password could begin just after a change has ended all logins.
    """
    statement = (
        select(Credential.customer_id)
        .where(Credential.customer_id == known.customer_id, Credential.password_hash == known.password_hash)
        .with_for_update()
    )
    return scope.session.execute(statement).one_or_none() is not None


def _store(scope: TenantScope, known: KnownCredential, new_hash: str) -> None:
    changed = update(Credential).where(Credential.customer_id == known.customer_id)
    scope.session.execute(changed.values(password_hash=new_hash, changed_at=utcnow()))


def _passwords(scope: TenantScope) -> Passwords:
    return passwords(scope.server_settings(PLUGIN)["hashes_at_once"])
