"""Logins in browsers: the cookie of a page has the refresh token of a login, which is never exchanged.

So a login in a browser is a login like any other: its owner sees and ends it, and a changed password ends it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from pyramid.request import Request
from sqlalchemy import DateTime, Text, Uuid, select, update

from autonomy_core.plugin_api.customers import Customer
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.pages import begin_session, session_token
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import Identity, customer_identity
from autonomy_core.plugin_api.statements import compiled, parameter
from customer_auth.domain import token_hash
from customer_auth.models import LoginSession, RefreshToken
from customer_auth.sessions.methods import Method, is_recent
from customer_auth.sessions.open_logins import CACHED_FOR_S, MOST_CACHED
from customer_auth.sessions.recent import Recent
from customer_auth.settings import PLUGIN

SEEN_EVERY: Final = timedelta(hours=1)
"""How often the use of a login is stored, which also prolongs it."""


class BrowserLogin(NamedTuple):
    """The login of a token.

    Attributes:
        customer_id: the customer.
        session_id: the login.
        authenticated_at: when the customer last authenticated.
        methods: what the customer was authenticated with, as text.
        last_seen_at: when the login was last used, as far as it is stored.
    """

    customer_id: UUID
    session_id: UUID
    authenticated_at: datetime
    methods: list[str]
    last_seen_at: datetime


_OWN: Final = parameter("organisation_id", Text())

OPEN: Final = compiled(
    select(
        LoginSession.customer_id,
        LoginSession.id,
        LoginSession.authenticated_at,
        LoginSession.methods,
        LoginSession.last_seen_at,
    ).where(
        RefreshToken.organisation_id == _OWN,
        RefreshToken.token_hash == parameter("token_hash", Text()),
        # A client has exchanged it: it belongs to no browser.
        RefreshToken.used_at.is_(None),
        LoginSession.organisation_id == _OWN,
        LoginSession.id == RefreshToken.session_id,
        LoginSession.revoked_at.is_(None),
        LoginSession.expires_at > parameter("now", DateTime(timezone=True)),
        Customer.organisation_id == _OWN,
        Customer.id == LoginSession.customer_id,
        Customer.blocked_at.is_(None),
        Customer.erased_at.is_(None),
        Customer.merged_into.is_(None),
    )
)

SEEN: Final = compiled(
    update(LoginSession)
    .where(
        LoginSession.organisation_id == _OWN,
        LoginSession.id == parameter("session_id", Uuid()),
        LoginSession.revoked_at.is_(None),
    )
    .values(
        last_seen_at=parameter("now", DateTime(timezone=True)),
        expires_at=parameter("expires_at", DateTime(timezone=True)),
    )
)


class SessionAuthenticator:
    """Authenticates customers on pages by the cookie of their browser, while its login is open.

    Attributes:
        logins: the open logins by organisation and hash of the token, which were recently looked up.
    """

    def __init__(self) -> None:
        self.logins: Recent[tuple[str, str], BrowserLogin] = Recent(CACHED_FOR_S, MOST_CACHED)

    def identify(self, scope: TenantScope, request: Request) -> Identity | None:
        """Return the customer of the cookie; None if there is none, or if its login has ended."""
        token = session_token(request)
        login = self._login(scope, token) if token else None
        if token is None or login is None:
            return None
        if utcnow() - login.last_seen_at >= SEEN_EVERY:
            prolong(scope, request, token, login.session_id)
        return customer_identity(
            scope.organisation.id,
            login.customer_id,
            session_id=login.session_id,
            recent=is_recent(login.authenticated_at, utcnow()),
            two_factors=Method.TWO_FACTORS in login.methods,
        )

    def _login(self, scope: TenantScope, token: str) -> BrowserLogin | None:
        """Return the open login of a token, with at most one query in `CACHED_FOR_S`."""
        key = (scope.organisation.id, token_hash(token))
        known = self.logins.get(key)
        if known is not None:
            return known
        now = self.logins.now()
        rows = scope.execute_alone(OPEN, {"organisation_id": key[0], "token_hash": key[1], "now": utcnow()})
        if not rows:
            return None
        self.logins.put(key, login := BrowserLogin(*rows[0]), now)
        return login


def lifetime(scope: TenantScope) -> timedelta:
    """Return after which time without use a login expires."""
    return timedelta(days=scope.settings(PLUGIN)["refresh_token_days"])


def remember(scope: TenantScope, request: Request, refresh_token: str) -> None:
    """Begin the session of a browser with the refresh token of a new login."""
    begin_session(request, refresh_token, int(lifetime(scope).total_seconds()))


def prolong(scope: TenantScope, request: Request, token: str, session_id: UUID) -> None:
    """Store that a login is used, and let it and its cookie last from now on. It has its own transaction."""
    now = utcnow()
    values = {
        "organisation_id": scope.organisation.id,
        "session_id": session_id,
        "now": now,
        "expires_at": now + lifetime(scope),
    }
    scope.execute_alone(SEEN, values)
    remember(scope, request, token)
