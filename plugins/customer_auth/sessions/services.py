"""Logins and their refresh tokens: open, exchange, end."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Select, delete, select, update

from autonomy_core.plugin_api.customers import (
    Customer,
    announce_logins_ended,
    is_account,
    require_open_login,
)
from autonomy_core.plugin_api.errors import Conflict, NotAuthenticated, NotFound
from autonomy_core.plugin_api.models import utcnow, uuid7
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import coarse_network
from customer_auth.domain import AccessClaims, RefreshVerdict, judge_refresh, token_hash
from customer_auth.models import LoginSession, RefreshToken
from customer_auth.second_factors.gate import admit
from customer_auth.sessions import access_tokens
from customer_auth.sessions.clients import Client, Sighting, look_alike
from customer_auth.sessions.devices import device_token
from customer_auth.sessions.methods import Method, with_factors
from customer_auth.sessions.notices import notify_of_new_device
from customer_auth.settings import PLUGIN

log = structlog.get_logger(__name__)

MOST_COMPARED = 100
"""With how many kinds of earlier clients a client is compared."""


class InvalidRefreshToken(NotAuthenticated):
    """The refresh token is unknown, or its login has ended."""

    code, title = "invalid_refresh_token", "The refresh token is not valid"
    # A reused token ends its login although the response is an error, so the transaction must commit.
    commits = True


class RefreshInProgress(Conflict):
    """The same refresh token was exchanged a moment ago, probably by the same client."""

    code, title = "refresh_in_progress", "This refresh token was exchanged a moment ago"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a login.

    Attributes:
        access_token: the signed access token.
        refresh_token: can be exchanged once.
        expires_in: the lifetime of the access token in seconds.
        device_token: lets the client log in again while others guess the password, see `devices`; None if
            the login is not new, or the customer has no password.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    device_token: str | None = field(default=None, repr=False)
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's name of the scheme


def open_session(
    scope: TenantScope,
    customer_id: UUID,
    *,
    methods: Iterable[Method],
    client: Client,
    authenticated_at: datetime | None = None,
) -> Tokens:
    """Begin a login, and delete the customer's expired logins.

    Every way to log in ends here, so that none avoids the second factor.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.
        methods: what the customer was authenticated with.
        client: the client of the request.
        authenticated_at: when another system has authenticated the customer; None for now.

    Raises:
        AccountBlocked: the account is blocked or closed.
        SecondFactorRequired: what was presented does not do for this account. The transaction must commit.
        SecondFactorMissing: the organisation demands a second factor, and the account has none.
    """
    proven = with_factors(methods)
    is_new = not client.is_known and _is_new_device(scope, customer_id, client)
    account = admit(scope, customer_id, methods=proven, client=client, is_new_device=is_new)
    # A customer who reads the mailbox at this moment needs no mail.
    if is_new and Method.MAIL not in proven:
        notify_of_new_device(scope, account, _sighting(client))
    _remove_expired(scope, customer_id)
    login = _new_login(scope, customer_id, proven, client)
    login.authenticated_at = min(authenticated_at or login.authenticated_at, login.authenticated_at)
    scope.session.add(login)
    # Insert the login before the token that refers to it.
    scope.session.flush()
    return replace(_issue(scope, login), device_token=device_token(scope, customer_id))


def _new_login(
    scope: TenantScope, customer_id: UUID, methods: Iterable[Method], client: Client
) -> LoginSession:
    return LoginSession(
        organisation_id=scope.organisation.id,
        id=uuid7(),
        customer_id=customer_id,
        expires_at=utcnow() + _lifetime(scope),
        methods=sorted(methods),
        authenticated_at=utcnow(),
        browser=client.browser,
        system=client.system,
        network=coarse_network(client.address),
    )


def refresh(scope: TenantScope, refresh_token: str) -> Tokens:
    """Exchange a refresh token for new tokens. Each can be exchanged once.

    Raises:
        InvalidRefreshToken: it is unknown, its login has ended, or it was used before, which ends its login.
        RefreshInProgress: it was used within the last seconds.
    """
    login = _lock_session_of(scope, refresh_token)
    if login is None:
        raise InvalidRefreshToken
    # Read the token after locking the login, because a concurrent request may have used it.
    token = scope.session.get_one(RefreshToken, (scope.organisation.id, token_hash(refresh_token)))
    now = utcnow()
    match judge_refresh(now, used_at=token.used_at, expires_at=login.expires_at, revoked_at=login.revoked_at):
        case RefreshVerdict.ROTATE:
            token.used_at = now
            login.expires_at = now + _lifetime(scope)
            login.last_seen_at = now
            _forget_used_tokens(scope, login)
            return _issue(scope, login)
        case RefreshVerdict.WAIT:
            raise RefreshInProgress("Use the tokens of the answer to the first request.")
        case RefreshVerdict.REVOKE:
            login.revoked_at = now
            log.warning("customer_auth.refresh_token_reused", customer=str(login.customer_id))
    raise InvalidRefreshToken


def end_session(scope: TenantScope, refresh_token: str) -> None:
    """End the login of a refresh token. An unknown token has no effect."""
    login = _lock_session_of(scope, refresh_token)
    if login is not None and login.revoked_at is None:
        login.revoked_at = utcnow()


def replace_session(
    scope: TenantScope, customer_id: UUID, session_id: UUID, methods: Iterable[Method]
) -> Tokens:
    """End a login, and begin one in its place, because its customer was authenticated again.

    So the tokens from before are worth nothing, and neither is a copy of one of them.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.
        session_id: the login.
        methods: what the customer was authenticated with now.

    Raises:
        NotAuthenticated: the login has ended.
    """
    require_open_login(scope, customer_id, session_id)
    statement = open_sessions(scope, customer_id).where(LoginSession.id == session_id).with_for_update()
    former = scope.session.scalars(statement).one_or_none()
    if former is None:
        raise NotAuthenticated
    former.revoked_at = utcnow()
    login = LoginSession(
        organisation_id=scope.organisation.id,
        id=uuid7(),
        customer_id=customer_id,
        created_at=former.created_at,
        expires_at=utcnow() + _lifetime(scope),
        methods=sorted(with_factors({*map(Method, former.methods), *methods})),
        authenticated_at=utcnow(),
        browser=former.browser,
        system=former.system,
        network=former.network,
    )
    scope.session.add(login)
    # Insert the login before the token that refers to it.
    scope.session.flush()
    return _issue(scope, login)


def methods_of(scope: TenantScope, session_id: UUID | None) -> frozenset[Method]:
    """Return what the customer of a login was authenticated with; nothing for an unknown login."""
    found = scope.session.scalars(select(LoginSession.methods).where(LoginSession.id == session_id))
    return frozenset(map(Method, found.one_or_none() or ()))


def open_sessions(scope: TenantScope, customer_id: UUID) -> Select[LoginSession]:
    """Return the statement that selects the open logins of a customer."""
    return select(LoginSession).where(LoginSession.customer_id == customer_id, *_are_open())


def is_open(scope: TenantScope, customer_id: UUID, session_id: UUID) -> bool:
    """Return whether a customer's login is open now, without the cache of `open_logins`."""
    return (
        scope.session.scalars(
            select(LoginSession.id).where(
                LoginSession.customer_id == customer_id, LoginSession.id == session_id, *_are_open()
            )
        ).one_or_none()
        is not None
    )


def end_one_session(scope: TenantScope, customer_id: UUID, session_id: UUID) -> None:
    """End a login of a customer.

    Raises:
        NotFound: the customer has no open login with this id.
    """
    if not _end(scope, LoginSession.customer_id == customer_id, LoginSession.id == session_id):
        raise NotFound


def end_all_sessions(scope: TenantScope, customer_id: UUID, *, but: UUID | None = None) -> int:
    """End all logins of a customer, and return how many these were. Plugins end what else lets in.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.
        but: a login that stays open.
    """
    others = () if but is None else (LoginSession.id != but,)
    announce_logins_ended(scope, customer_id)
    return _end(scope, LoginSession.customer_id == customer_id, *others)


def _end(scope: TenantScope, *which: ColumnElement[bool]) -> int:
    """End the open logins among some logins, and return how many these were."""
    ended = update(LoginSession).where(*which, *_are_open()).values(revoked_at=utcnow())
    return len(scope.session.scalars(ended.returning(LoginSession.id)).all())


def _are_open() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return LoginSession.revoked_at.is_(None), LoginSession.expires_at > utcnow()


def _issue(scope: TenantScope, login: LoginSession) -> Tokens:
    refresh_token = secrets.token_urlsafe(32)
    scope.session.add(
        RefreshToken(
            organisation_id=login.organisation_id, token_hash=token_hash(refresh_token), session_id=login.id
        )
    )
    access_token, expires_in = _access_token(scope, login)
    return Tokens(access_token, refresh_token, expires_in)


def _access_token(scope: TenantScope, login: LoginSession) -> tuple[str, int]:
    """Return an access token, and its lifetime in seconds."""
    now = utcnow()
    valid_for = timedelta(minutes=scope.settings(PLUGIN)["access_token_minutes"])
    claims = AccessClaims(
        organisation_id=login.organisation_id,
        customer_id=login.customer_id,
        session_id=login.id,
        issued_at=now,
        expires_at=now + valid_for,
        authenticated_at=login.authenticated_at,
        methods=frozenset(login.methods),
    )
    return access_tokens.encode(scope, claims), int(valid_for.total_seconds())


def _lock_session_of(scope: TenantScope, refresh_token: str) -> LoginSession | None:
    statement = (
        select(LoginSession)
        .join(RefreshToken, RefreshToken.session_id == LoginSession.id)
        .join(Customer, Customer.id == LoginSession.customer_id)
        .where(RefreshToken.token_hash == token_hash(refresh_token))
        .where(is_account(), Customer.blocked_at.is_(None))
        .with_for_update(of=LoginSession)
    )
    return scope.session.scalars(statement).one_or_none()


def _is_new_device(scope: TenantScope, customer_id: UUID, client: Client) -> bool:
    """Return whether none of the customer's logins, ended or not, came from a client like this one."""
    here = _sighting(client)
    seen = select(LoginSession.browser, LoginSession.system, LoginSession.network).distinct()
    rows = scope.session.execute(seen.where(LoginSession.customer_id == customer_id).limit(MOST_COMPARED))
    return not any(look_alike(here, Sighting(*row)) for row in rows)


def _sighting(client: Client) -> Sighting:
    return Sighting(client.browser, client.system, coarse_network(client.address))


def _remove_expired(scope: TenantScope, customer_id: UUID) -> None:
    expired = (LoginSession.customer_id == customer_id, LoginSession.expires_at < utcnow())
    scope.session.execute(delete(LoginSession).where(*expired).execution_options(synchronize_session=False))


def _forget_used_tokens(scope: TenantScope, login: LoginSession) -> None:
    """Delete used tokens that would have expired by now."""
    old = (RefreshToken.session_id == login.id, RefreshToken.used_at < utcnow() - _lifetime(scope))
    scope.session.execute(delete(RefreshToken).where(*old))


def _lifetime(scope: TenantScope) -> timedelta:
    return timedelta(days=scope.settings(PLUGIN)["refresh_token_days"])
