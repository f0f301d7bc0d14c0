"""Registration and login over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pyramid.request import Request

from autonomy_core.plugin_api.customers import EmailTaken
from autonomy_core.plugin_api.errors import Conflict, TooManyRequests, Unavailable
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.resources import Customers
from autonomy_core.plugin_api.security import Permission
from customer_auth import services, sessions
from customer_auth.new_passwords import WeakPassword
from customer_auth.schemas import (
    LoginSchema,
    PasswordChangeSchema,
    RefreshTokenSchema,
    RegisteredSchema,
    RegistrationSchema,
    TokensSchema,
)


@api_view(
    context=Customers,
    method="POST",
    name="register",
    summary="Register a customer",
    permission=PUBLIC,
    body=RegistrationSchema,
    returns=RegisteredSchema,
    status=201,
    errors=(EmailTaken, WeakPassword, TooManyRequests, Unavailable),
)
def register(context: Customers, request: Request) -> dict[str, Any]:
    """The customer is logged in at once. Registrations are limited by the client's address."""
    customer, tokens = services.register(
        context.scope, client_address=request.remote_addr, **request.validated
    )
    return {"customer": customer, **asdict(tokens)}


@api_view(
    context=Customers,
    method="POST",
    name="login",
    summary="Log a customer in",
    permission=PUBLIC,
    body=LoginSchema,
    returns=TokensSchema,
    errors=(services.InvalidCredentials, TooManyRequests, Unavailable),
)
def login(context: Customers, request: Request) -> sessions.Tokens:
    """An unknown address and a wrong password are answered alike. Failed logins are limited."""
    return services.log_in(context.scope, client_address=request.remote_addr, **request.validated)


@api_view(
    context=Customers,
    method="POST",
    name="refresh",
    summary="Exchange a refresh token for new tokens",
    permission=PUBLIC,
    body=RefreshTokenSchema,
    returns=TokensSchema,
    errors=(sessions.InvalidRefreshToken, sessions.RefreshInProgress),
)
def refresh(context: Customers, request: Request) -> sessions.Tokens:
    """Each token can be exchanged once. One that is used again later ends the login: there is a copy of it."""
    return sessions.refresh(context.scope, request.validated["refresh_token"])


@api_view(
    context=Customers,
    method="POST",
    name="logout",
    summary="Log out",
    permission=PUBLIC,
    body=RefreshTokenSchema,
    status=204,
)
def logout(context: Customers, request: Request) -> None:
    """End the login that the refresh token belongs to, and within seconds its access tokens."""
    sessions.end_session(context.scope, request.validated["refresh_token"])


@api_view(
    context=Customers,
    method="POST",
    name="password",
    summary="Change the password",
    permission=Permission.OWN,
    body=PasswordChangeSchema,
    returns=TokensSchema,
    errors=(services.WrongPassword, WeakPassword, Conflict, TooManyRequests, Unavailable),
)
def change_password(context: Customers, request: Request) -> sessions.Tokens:
    """All logins of the customer end, this one too: go on with the tokens of the answer."""
    return services.change_password(
        context.scope, request.identity.id, client_address=request.remote_addr, **request.validated
    )
