"""Recognises customers by their access token."""

from __future__ import annotations

from pyramid.request import Request

from autonomy_core.plugin_api.security import Identity, bearer_token, customer_identity
from customer_auth import access_tokens
from customer_auth.logins import OpenLogins


class AccessTokenAuthenticator:
    """Recognises ``Authorization: Bearer <access token>`` while its login goes on."""

    def __init__(self) -> None:
        self._open = OpenLogins()

    def identify(self, request: Request) -> Identity | None:
        """The customer to whom the token was given, or None when it is not valid here or its login has ended."""
        token = bearer_token(request)
        bearer = access_tokens.bearer_of(request.scope, token) if token else None
        if bearer is None or not self._open.has(request.scope, bearer):
            return None
        return customer_identity(request.organisation.id, bearer.customer_id)
