"""The pages of logins."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.plugin_api.errors import NotAllowed, TooManyRequests, Unavailable
from autonomy_core.plugin_api.operations import PUBLIC
from autonomy_core.plugin_api.pages import _, end_session, local_path, page_view, redirect, session_token
from customer_auth import services
from customer_auth.challenges.requirement import EmailNotVerified
from customer_auth.pages.resources import LoginPage, LogoutPage
from customer_auth.pages.schemas import LoginForm, NextQuery
from customer_auth.second_factors.errors import AccountBlocked, SecondFactorMissing, SecondFactorRequired
from customer_auth.sessions import services as sessions
from customer_auth.sessions.browsers import remember
from customer_auth.sessions.requests import client_of

ERRORS = {
    services.InvalidCredentials: _("The e-mail address or the password is wrong."),
    EmailNotVerified: _("Open the link in the mail that we have sent you first."),
    SecondFactorRequired: _("This account needs a second step, which this page does not have."),
    SecondFactorMissing: _("This shop demands a second step, and your account has none."),
    AccountBlocked: _("This account cannot log in."),
    NotAllowed: _("This login was refused."),
    TooManyRequests: _("There were too many attempts. Wait some minutes, and try it again."),
    Unavailable: _("Too many people log in at the moment. Try it again in a minute."),
}
"""How a login may be refused, and what its page says."""


@page_view(
    context=LoginPage,
    template="customer_auth/login.html",
    title=_("Log in"),
    permission=PUBLIC,
    query=NextQuery,
)
def show_login(context: LoginPage, request: Request) -> dict[str, Any]:
    """The form of a login. It leads back to the page that has asked for it."""
    return {"next": local_path(request, request.query["next"])}


@page_view(
    context=LoginPage,
    method="POST",
    template="customer_auth/login.html",
    title=_("Log in"),
    permission=PUBLIC,
    form=LoginForm,
    errors=ERRORS,
    again=show_login,
)
def log_in(context: LoginPage, request: Request) -> Response:
    """The browser gets a new session; one that it had before ends."""
    form, before = request.validated, session_token(request)
    tokens = services.log_in(
        context.scope, email=form["email"], password=form["password"], client=client_of(request)
    )
    if before is not None:
        sessions.end_session(context.scope, before)
    remember(context.scope, request, tokens.refresh_token)
    return redirect(request, path=local_path(request, form["next"]))


@page_view(
    context=LogoutPage,
    method="POST",
    template="customer_auth/login.html",
    title=_("Log out"),
    permission=PUBLIC,
)
def log_out(context: LogoutPage, request: Request) -> Response:
    """End the login of the browser."""
    token = session_token(request)
    if token is not None:
        sessions.end_session(context.scope, token)
        end_session(request)
    return redirect(request)
