"""Logins and their refresh tokens: opened, exchanged, ended."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import delete, select, update

from autonomy_core.plugin_api.errors import Conflict, NotAuthenticated
from autonomy_core.plugin_api.models import utcnow, uuid7
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth import access_tokens
from customer_auth.domain import AccessClaims, RefreshVerdict, judge_refresh
from customer_auth.models import LoginSession, RefreshToken
from customer_auth.settings import PLUGIN

log = structlog.get_logger(__name__)


class InvalidRefreshToken(NotAuthenticated):
    """The refresh token is none of ours, or its login has ended."""

    code, title = "invalid_refresh_token", "The refresh token is not valid"
    # A token that is used twice ends its login, although the answer is a refusal.
    commits = True


class RefreshInProgress(Conflict):
    """The same refresh token was exchanged a moment ago, most likely by the same client."""

    code, title = "refresh_in_progress", "This refresh token was exchanged a moment ago"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets to go on with.

    Attributes:
        expires_in: of the access token, in seconds.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's name of the scheme


def open_session(scope: TenantScope, customer_id: UUID) -> Tokens:
    """Begin a login, and remove the customer's logins that have run out."""
    _remove_expired(scope, customer_id)
    login = LoginSession(
        organisation_id=scope.organisation.id,
        id=uuid7(),
        customer_id=customer_id,
        expires_at=utcnow() + _lifetime(scope),
    )
    scope.session.add(login)
    # Before the token that refers to it.
    scope.session.flush()
    return _issue(scope, login)


def refresh(scope: TenantScope, refresh_token: str) -> Tokens:
    """Exchange a refresh token for new tokens; each can be exchanged once.

    Raises:
        InvalidRefreshToken: unknown, ended, or used before; a used one ends its login.
        RefreshInProgress: it was used within the last seconds.
    """
    login = _lock_session_of(scope, refresh_token)
    if login is None:
        raise InvalidRefreshToken
    # Read after the lock was got: another request may have used it meanwhile.
    token = scope.session.get_one(RefreshToken, (scope.organisation.id, _hash(refresh_token)))
    now = utcnow()
    match judge_refresh(now, used_at=token.used_at, expires_at=login.expires_at, revoked_at=login.revoked_at):
        case RefreshVerdict.ROTATE:
            token.used_at = now
            login.expires_at = now + _lifetime(scope)
            _forget_used_tokens(scope, login)
            return _issue(scope, login)
        case RefreshVerdict.WAIT:
            raise RefreshInProgress("Use the tokens of the answer to the first request.")
        case RefreshVerdict.REVOKE:
            login.revoked_at = now
            log.warning("customer_auth.refresh_token_reused", customer=str(login.customer_id))
    raise InvalidRefreshToken


def end_session(scope: TenantScope, refresh_token: str) -> None:
    """End the login that a refresh token belongs to. For a token that is unknown there is nothing to do."""
    login = _lock_session_of(scope, refresh_token)
    if login is not None and login.revoked_at is None:
        login.revoked_at = utcnow()


def end_all_sessions(scope: TenantScope, customer_id: UUID) -> None:
    """End all logins of a customer."""
    going_on = (LoginSession.customer_id == customer_id, LoginSession.revoked_at.is_(None))
    scope.session.execute(update(LoginSession).where(*going_on).values(revoked_at=utcnow()))


def _issue(scope: TenantScope, login: LoginSession) -> Tokens:
    refresh_token = secrets.token_urlsafe(32)
    scope.session.add(
        RefreshToken(
            organisation_id=login.organisation_id, token_hash=_hash(refresh_token), session_id=login.id
        )
    )
    now = utcnow()
    valid_for = timedelta(minutes=scope.settings(PLUGIN)["access_token_minutes"])
    claims = AccessClaims(login.organisation_id, login.customer_id, login.id, now, now + valid_for)
    return Tokens(access_tokens.encode(scope, claims), refresh_token, int(valid_for.total_seconds()))


def _lock_session_of(scope: TenantScope, refresh_token: str) -> LoginSession | None:
    statement = (
        select(LoginSession)
        .join(RefreshToken, RefreshToken.session_id == LoginSession.id)
        .where(RefreshToken.token_hash == _hash(refresh_token))
        .with_for_update(of=LoginSession)
    )
    return scope.session.scalars(statement).one_or_none()


def _remove_expired(scope: TenantScope, customer_id: UUID) -> None:
    expired = (LoginSession.customer_id == customer_id, LoginSession.expires_at < utcnow())
    scope.session.execute(delete(LoginSession).where(*expired))


def _forget_used_tokens(scope: TenantScope, login: LoginSession) -> None:
    """Those that would have expired by now, had nobody used them."""
    old = (RefreshToken.session_id == login.id, RefreshToken.used_at < utcnow() - _lifetime(scope))
    scope.session.execute(delete(RefreshToken).where(*old))


def _lifetime(scope: TenantScope) -> timedelta:
    return timedelta(days=scope.settings(PLUGIN)["refresh_token_days"])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
