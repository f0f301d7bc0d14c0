"""Registration and login over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from pyramid.request import Request

from autonomy_core.plugin_api.customers import EmailTaken
from autonomy_core.plugin_api.errors import (
    Conflict,
    TooManyRequests,
    Unavailable,
)
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.resources import Customers
from autonomy_core.plugin_api.schemas import PageQuery, page_of, paginate
from autonomy_core.plugin_api.security import Permission
from customer_auth import services
from customer_auth.challenges.requirement import EmailNotVerified
from customer_auth.challenges.resources import CustomerPassword
from customer_auth.limits.work import ProofOfWorkRequired, new_challenge
from customer_auth.models import LoginSession
from customer_auth.passwords.rules import WeakPassword
from customer_auth.resources import CustomerSession, CustomerSessions
from customer_auth.schemas import (
    LoginSchema,
    PasswordChangeSchema,
    RefreshTokenSchema,
    RegisteredSchema,
    RegistrationSchema,
    SessionSchema,
    TokensSchema,
    UnverifiedSchema,
    WorkChallengeSchema,
    WorkQuery,
)
from customer_auth.second_factors.errors import LOGIN_ERRORS
from customer_auth.second_factors.resources import Login
from customer_auth.sessions import services as sessions
from customer_auth.sessions.requests import client_of


@api_view(
    context=Customers,
    method="GET",
    name="proof-of-work",
    summary="Get a computing task",
    permission=PUBLIC,
    query=WorkQuery,
    returns=WorkChallengeSchema,
    transaction="none",
)
def proof_of_work(context: Customers, request: Request) -> dict[str, Any]:
    """A client can solve it before a call that may answer `proof_of_work_required`."""
    return new_challenge(context.scope, request.query["purpose"])


@api_view(
    context=Customers,
    method="POST",
    name="register",
    summary="Register a customer",
    permission=PUBLIC,
    body=RegistrationSchema,
    returns=RegisteredSchema,
    status=201,
    also={202: UnverifiedSchema},
    errors=(EmailTaken, ProofOfWorkRequired, WeakPassword, TooManyRequests, Unavailable),
)
def register(context: Customers, request: Request) -> dict[str, Any]:
    """The customer is logged in immediately. Registrations are limited by client address.

    202 instead, where the organisation demands a verified address for logins: the customer gets a mail, and
    is logged in by `sign-in/confirm`.
    """
    made = services.register(context.scope, client=client_of(request), **request.validated)
    if made.tokens is None:
        request.response.status_int = 202
        return {"customer": made.customer, "flow": made.flow}
    return {"customer": made.customer, **asdict(made.tokens)}


@api_view(
    context=Login,
    method="POST",
    summary="Log a customer in",
    permission=PUBLIC,
    body=LoginSchema,
    returns=TokensSchema,
    errors=(
        services.InvalidCredentials,
        EmailNotVerified,
        *LOGIN_ERRORS,
        TooManyRequests,
        Unavailable,
    ),
)
def login(context: Login, request: Request) -> sessions.Tokens:
    """An unknown address and a wrong password get the same answer. Failed logins are limited."""
    return services.log_in(context.scope, client=client_of(request), **request.validated)


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
    """Each token can be exchanged once. Reusing one later ends the login, because a copy exists."""
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
    """End the login of the refresh token. Its access tokens become invalid within seconds."""
    sessions.end_session(context.scope, request.validated["refresh_token"])


@api_view(
    context=CustomerPassword,
    method="POST",
    summary="Change the password",
    permission=Permission.OWN_RECENT,
    body=PasswordChangeSchema,
    returns=TokensSchema,
    errors=(services.WrongPassword, WeakPassword, Conflict, TooManyRequests, Unavailable),
)
def change_password(context: CustomerPassword, request: Request) -> sessions.Tokens:
    """All logins of the customer end, including this one: continue with the returned tokens.

    Connected players and feeds end, too. A customer without a password sets the first one.
    """
    return services.change_password(
        context.scope,
        request.identity.id,
        request.identity.session_id,
        client=client_of(request),
        **request.validated,
    )


def shown(login: LoginSession, current: UUID | None) -> dict[str, Any]:
    """Return what `SessionSchema` dumps of a login.

    Args:
        login: the login.
        current: the login of the request.
    """
    columns = SessionSchema().fields.keys() - {"current"}
    return {**{name: getattr(login, name) for name in columns}, "current": login.id == current}


@api_view(
    context=CustomerSessions,
    method="GET",
    summary="List where you are logged in",
    permission=Permission.OWN,
    query=PageQuery,
    returns=page_of(SessionSchema),
)
def list_sessions(context: CustomerSessions, request: Request) -> dict[str, Any]:
    """Browser and system are what the client says of itself. `current` is the login of this request."""
    identity = request.identity
    statement = sessions.open_sessions(context.scope, identity.id)
    page = paginate(context.scope.session, statement, LoginSession.id, request.query)
    return {**page, "items": [shown(login, identity.session_id) for login in page["items"]]}


@api_view(
    context=CustomerSessions,
    method="DELETE",
    summary="Log out everywhere else",
    permission=Permission.OWN_RECENT,
    status=204,
)
def end_other_sessions(context: CustomerSessions, request: Request) -> None:
    """All other logins of the customer end. Their access tokens become invalid within seconds.

    Connected players and feeds end, too.
    """
    sessions.end_all_sessions(context.scope, request.identity.id, but=request.identity.session_id)


@api_view(
    context=CustomerSession,
    method="DELETE",
    summary="End a login",
    permission=Permission.OWN_RECENT,
    status=204,
)
def end_session(context: CustomerSession, request: Request) -> None:
    """The login may also be the one of this request."""
    sessions.end_one_session(context.scope, request.identity.id, context.login_id)
