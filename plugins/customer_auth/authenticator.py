"""Recognises customers by their access token."""

from __future__ import annotations

from pyramid.request import Request

from autonomy_core.plugin_api.security import Identity, bearer_token, customer_identity
from customer_auth import access_tokens


class AccessTokenAuthenticator:
    """Recognises ``Authorization: Bearer <access token>``. It asks the database nothing."""

    def identify(self, request: Request) -> Identity | None:
        """The customer to whom the token was given, or None when it is not valid here."""
        token = bearer_token(request)
        customer_id = access_tokens.customer_of(request.scope, token) if token else None
        return customer_identity(request.organisation.id, customer_id) if customer_id else None
