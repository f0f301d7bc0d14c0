"""Services: register, log in, change the password. `sessions.services` implements logins.

A hash takes tens of milliseconds and may wait in a queue. No database connection is held meanwhile: what must
be known before is read in a separate transaction, and the request's own transaction begins afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from autonomy_core.plugin_api.customers import Customer, find_customer, register_customer, require_open_login
from autonomy_core.plugin_api.errors import (
    Conflict,
    InvalidInput,
    NotAuthenticated,
)
from autonomy_core.plugin_api.limits import count_attempt, forgive_attempt
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.challenges import store
from customer_auth.challenges.address import send_verification
from customer_auth.challenges.requirement import must_verify_to_log_in, request_within, require_verified
from customer_auth.domain import WorkPurpose
from customer_auth.limits import attempts
from customer_auth.limits.work import require_work
from customer_auth.models import Credential
from customer_auth.passwords.credentials import set_password
from customer_auth.passwords.hashing import Match, passwords_of
from customer_auth.passwords.rules import require_strong
from customer_auth.sessions.clients import Client
from customer_auth.sessions.devices import known_device
from customer_auth.sessions.methods import Method
from customer_auth.sessions.services import Tokens, methods_of, open_session


class InvalidCredentials(NotAuthenticated):
    """The same answer for an unknown address and for a wrong password, after the same time."""

    code, title = "invalid_credentials", "The e-mail address or the password is wrong"


class WrongPassword(InvalidInput):
    """The customer is logged in, but the current password is wrong."""

    code, title = "wrong_password", "The current password is wrong"


@dataclass(frozen=True, slots=True)
class Registered:
    """The result of a registration.

    Attributes:
        customer: the new account.
        tokens: of the login that has begun; None if the address must be verified first.
        flow: the handle for the mail that verifies it then; otherwise None.
    """

    customer: Customer
    tokens: Tokens | None
    flow: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class KnownCredential:
    """A customer's password hash, read before the request's own transaction."""

    customer_id: UUID
    password_hash: str = field(repr=False)
    changed_at: datetime
    email: str
    name: str


def register(
    scope: TenantScope,
    *,
    email: str,
    password: str,
    name: str,
    client: Client,
    locale: str | None = None,
    proof_of_work: str | None = None,
) -> Registered:
    """Create a customer with a password, log them in, and mail a code that verifies the address.

    If the organisation demands a verified address for logins, the customer signs in with the code.

    Args:
        scope: the scope of the organisation.
        email: in its canonical form.
        password: as it was sent.
        name: the customer's name.
        client: the client of the request.
        locale: the language of the customer's mails, a tag of BCP 47; None for the organisation's.
        proof_of_work: the client's solution; see `require_work`.

    Raises:
        WeakPassword: it is easy to guess.
        ProofOfWorkRequired: the client must solve a challenge first.
        TooManyRequests: too many registrations from this address.
        EmailTaken: another customer has the address. Only this call reveals that, see
            docs/decisions/0003-registration-reveals-taken-addresses.md.
        Unavailable: the queue for hashes is too long.
    """
    require_strong(scope, password, member="password", email=email, name=name)
    require_work(scope, WorkPurpose.REGISTER, proof_of_work)
    with scope.begin() as own:
        count_attempt(own, attempts.registration_buckets(scope, client.address))
    password_hash = passwords_of(scope).hash(password)
    customer = register_customer(scope, email, name, locale=locale)
    key = {"organisation_id": scope.organisation.id, "customer_id": customer.id}
    scope.session.add(Credential(**key, password_hash=password_hash))
    if must_verify_to_log_in(scope):
        return Registered(customer, None, request_within(scope, customer))
    send_verification(scope, customer)
    owned = replace(client, is_known=True)
    return Registered(customer, open_session(scope, customer.id, methods=(Method.PASSWORD,), client=owned))


def log_in(
    scope: TenantScope, *, email: str, password: str, client: Client, device_token: str | None = None
) -> Tokens:
    """Log a customer in.

    Args:
        scope: the scope of the organisation.
        email: in its canonical form.
        password: as it was sent.
        client: the client of the request.
        device_token: what the client got at an earlier login; see `sessions.devices`.

    Raises:
        TooManyRequests: too many failed logins for this account, which need not exist, or from this address,
            or from this known device.
        InvalidCredentials: the account does not exist, or the password is wrong.
        EmailNotVerified: the organisation demands a verified address. A mail verifies it and logs in.
        Unavailable: the queue for hashes is too long.
    """
    with passwords_of(scope).place():
        return _log_in(scope, email, password, client, device_token)


def _log_in(
    scope: TenantScope, email: str, password: str, client: Client, device_token: str | None
) -> Tokens:
    with passwords_of(scope).check():
        with scope.begin() as own:
            known = _look_up(own, Customer.email == email)
            device = _device_of(own, known, device_token)
            buckets = attempts.login_buckets(own, email, client.address, device=device)
            count_attempt(own, buckets)
        with attempts.forgiven_if_unavailable(scope, buckets):
            match = passwords_of(scope).compare(password, known.password_hash if known else None)
    if match is Match.NO or known is None:
        raise InvalidCredentials
    new_hash = passwords_of(scope).hash(password) if match is Match.OUTDATED else None
    # In a short transaction: clients of one network share a bucket, and would wait for each other's login.
    with scope.begin() as own:
        forgive_attempt(own, buckets)
    if not _is_still(scope, known):
        raise InvalidCredentials
    if new_hash is not None:
        # The password is the same, so `changed_at` stays.
        _store(scope, known, password_hash=new_hash)
    client = replace(client, is_known=device is not None)
    require_verified(scope, known.customer_id, client)
    return open_session(scope, known.customer_id, methods=(Method.PASSWORD,), client=client)


def change_password(
    scope: TenantScope,
    customer_id: UUID,
    session_id: UUID | None,
    *,
    current_password: str | None,
    new_password: str,
    client: Client,
) -> Tokens:
    """Change a customer's password, end all their logins, tell the owner by mail, and begin a new login.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer who is logged in.
        session_id: the login of the request.
        current_password: as it was sent; None for a customer without a password.
        new_password: as it was sent.
        client: the client of the request.

    Raises:
        TooManyRequests: too many wrong passwords of this customer.
        WrongPassword: the current password is wrong.
        WeakPassword: the new password is easy to guess.
        NotAuthenticated: the login has ended.
        Conflict: a concurrent request has changed the password.
        Unavailable: the queue for hashes is too long.
    """
    customer, known = _customer_and_credential(scope, customer_id)
    # Check the new password before counting: a request with a weak one is no guess of the current one.
    require_strong(scope, new_password, member="new_password", email=customer.email, name=customer.name)
    buckets = attempts.own_password_buckets(scope, customer_id)
    with scope.begin() as own:
        count_attempt(own, buckets)
    with attempts.forgiven_if_unavailable(scope, buckets):
        is_right = known is None or passwords_of(scope).matches(current_password or "", known.password_hash)
    if not is_right:
        raise WrongPassword
    methods = methods_of(scope, session_id)
    _replace(scope, session_id, customer, known, passwords_of(scope).hash(new_password))
    forgive_attempt(scope, buckets)
    owned = replace(client, is_known=True)
    return open_session(scope, customer_id, methods={*methods, Method.PASSWORD}, client=owned)


def check_password(scope: TenantScope, customer_id: UUID, password: str, client: Client) -> None:
    """Check the password of a customer who is logged in.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.
        password: as it was sent.
        client: the client of the request.

    Raises:
        TooManyRequests: too many wrong passwords of this customer.
        WrongPassword: the password is wrong, or the account has none.
        Unavailable: the queue for hashes is too long.
    """
    with scope.begin() as own:
        known = _look_up(own, Customer.id == customer_id)
        if known is None:
            raise WrongPassword
        buckets = attempts.own_password_buckets(scope, customer_id)
        count_attempt(own, buckets)
    with attempts.forgiven_if_unavailable(scope, buckets):
        match = passwords_of(scope).compare(password, known.password_hash)
    if match is Match.NO or not _is_still(scope, known):
        raise WrongPassword
    forgive_attempt(scope, buckets)


def _customer_and_credential(
    scope: TenantScope, customer_id: UUID
) -> tuple[Customer, KnownCredential | None]:
    with scope.begin() as own:
        customer = find_customer(own, customer_id)
        if customer is None:
            raise NotAuthenticated
        return customer, _look_up(own, Customer.id == customer_id)


def _replace(
    scope: TenantScope,
    session_id: UUID | None,
    former: Customer,
    known: KnownCredential | None,
    new_hash: str,
) -> None:
    """Set a password, if the customer still has the one that was looked up, or none."""
    # For the order of the locks see `set_password`.
    store.end_with_password(scope, former.id)
    customer = require_open_login(scope, former.id, session_id)
    is_same = _is_still(scope, known) if known else _look_up(scope, Customer.id == customer.id) is None
    if not is_same:
        raise Conflict("The password was changed a moment ago.")
    set_password(scope, customer, new_hash)


def _look_up(scope: TenantScope, condition: ColumnElement[bool]) -> KnownCredential | None:
    statement = (
        select(
            Credential.customer_id,
            Credential.password_hash,
            Credential.changed_at,
            Customer.email,
            Customer.name,
        )
        .join(Customer, Customer.id == Credential.customer_id)
        .where(condition)
    )
    found = scope.session.execute(statement).one_or_none()
    return KnownCredential(*found) if found else None


def _device_of(scope: TenantScope, known: KnownCredential | None, token: str | None) -> str | None:
    if known is None or token is None:
        return None
    return known_device(scope, token, known.customer_id, known.changed_at)


def _is_still(scope: TenantScope, known: KnownCredential) -> bool:
    """Return whether the password is still the one that was looked up, and lock it.

    The lock lasts until the transaction ends. Without the lock, a login with the old password could begin
    after a change has ended all logins.
    """
    statement = (
        select(Credential.customer_id)
        .where(Credential.customer_id == known.customer_id, Credential.password_hash == known.password_hash)
        .with_for_update()
    )
    return scope.session.execute(statement).one_or_none() is not None


def _store(scope: TenantScope, known: KnownCredential, **values: Any) -> None:
    changed = update(Credential).where(Credential.customer_id == known.customer_id)
    scope.session.execute(changed.values(values))
