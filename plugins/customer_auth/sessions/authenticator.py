"""Authenticates customers by their access token."""

from __future__ import annotations

from pyramid.request import Request

from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import Identity, bearer_token, customer_identity
from customer_auth.sessions import access_tokens
from customer_auth.sessions.methods import Method, is_recent
from customer_auth.sessions.open_logins import OpenLogins


class AccessTokenAuthenticator:
    """Authenticates ``Authorization: Bearer <access token>`` while its login is open.

    Attributes:
        open_logins: the cache of logins.
    """

    def __init__(self) -> None:
        self.open_logins = OpenLogins()

    def identify(self, scope: TenantScope, request: Request) -> Identity | None:
        """Return the token's customer; None if the token is invalid here or its login has ended."""
        token = bearer_token(request)
        bearer = access_tokens.bearer_of(scope, token) if token else None
        if bearer is None or not self.open_logins.has(scope, bearer):
            return None
        return customer_identity(
            scope.organisation.id,
            bearer.customer_id,
            session_id=bearer.session_id,
            recent=is_recent(bearer.authenticated_at, utcnow()),
            two_factors=Method.TWO_FACTORS in bearer.methods,
        )
