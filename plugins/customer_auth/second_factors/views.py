"""Second factors over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pyramid.request import Request

from autonomy_core.plugin_api.errors import NotFound, TooManyRequests, Unavailable
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.resources import Customers
from autonomy_core.plugin_api.security import Permission
from customer_auth.passkeys.errors import PasskeyRefused
from customer_auth.schemas import TokensSchema
from customer_auth.second_factors import services, totp
from customer_auth.second_factors.errors import (
    LOGIN_ERRORS,
    InvalidFlow,
    SecondFactorExists,
    SecondFactorRequired,
    WrongCode,
)
from customer_auth.second_factors.resources import AuthenticatorApp, Login, SecondFactors
from customer_auth.second_factors.schemas import (
    ConfirmationSchema,
    EnabledSchema,
    EnrolmentSchema,
    FactorsSchema,
    ReauthenticationSchema,
    RecoveryCodesSchema,
    SecondFactorSchema,
)
from customer_auth.services import WrongPassword
from customer_auth.sessions.requests import client_of, page_of_request
from customer_auth.sessions.services import Tokens


@api_view(
    context=Login,
    method="POST",
    name="second-factor",
    summary="Complete a login with a second factor",
    permission=PUBLIC,
    body=SecondFactorSchema,
    returns=TokensSchema,
    errors=(InvalidFlow, WrongCode, PasskeyRefused, *LOGIN_ERRORS, TooManyRequests),
)
def complete_login(context: Login, request: Request) -> Tokens:
    """The first step of any login answers `second_factor_required` with the `flow`.

    The flow is valid for ten minutes, and stays after a wrong code.
    """
    return services.complete_login(
        context.scope, **request.validated, page=page_of_request(request), client=client_of(request)
    )


@api_view(
    context=Customers,
    method="POST",
    name="reauthenticate",
    summary="Authenticate again, to change credentials",
    permission=Permission.OWN,
    body=ReauthenticationSchema,
    returns=TokensSchema,
    errors=(WrongPassword, WrongCode, PasskeyRefused, SecondFactorRequired, TooManyRequests, Unavailable),
)
def reauthenticate(context: Customers, request: Request) -> Tokens:
    """The new tokens replace those of this login, which end within seconds.

    The access token allows calls that answered 403 `reauthentication_required`, for ten minutes.
    """
    identity = request.identity
    return services.reauthenticate(
        context.scope,
        identity.id,
        identity.session_id,
        **request.validated,
        page=page_of_request(request),
        client=client_of(request),
    )


@api_view(
    context=SecondFactors,
    method="GET",
    summary="Get the second factors of the account",
    permission=Permission.OWN,
    returns=FactorsSchema,
)
def get_factors(context: SecondFactors, request: Request) -> Mapping[str, Any]:
    """Passkeys have a list of their own."""
    return services.overview(context.scope, request.identity.id)


@api_view(
    context=AuthenticatorApp,
    method="POST",
    summary="Begin to use an authenticator app",
    permission=Permission.OWN_RECENT,
    returns=EnrolmentSchema,
    status=201,
    errors=(SecondFactorExists,),
)
def enrol_app(context: AuthenticatorApp, request: Request) -> totp.Enrolment:
    """The app becomes a factor with the call `confirm`. A repeated call replaces the secret."""
    return totp.enrol(context.scope, request.identity.id, request.identity.session_id)


@api_view(
    context=AuthenticatorApp,
    method="POST",
    name="confirm",
    summary="Prove that the authenticator app works",
    permission=Permission.OWN_RECENT,
    body=ConfirmationSchema,
    returns=EnabledSchema,
    errors=(WrongCode, SecondFactorExists, NotFound),
)
def confirm_app(context: AuthenticatorApp, request: Request) -> Mapping[str, Any]:
    """From now on each login asks for a code. All logins of the customer end: continue with these tokens.

    Connected players and feeds end, too.
    """
    identity = request.identity
    enabled = services.enable_totp(context.scope, identity.id, identity.session_id, request.validated["code"])
    return {"recovery_codes": enabled.recovery_codes, **asdict(enabled.tokens)}


@api_view(
    context=AuthenticatorApp,
    method="DELETE",
    summary="Stop using the authenticator app",
    permission=Permission.OWN_RECENT,
    status=204,
    errors=(NotFound,),
)
def remove_app(context: AuthenticatorApp, request: Request) -> None:
    """The recovery codes end with it."""
    services.disable_totp(context.scope, request.identity.id, request.identity.session_id)


@api_view(
    context=SecondFactors,
    method="POST",
    name="recovery-codes",
    summary="Get new recovery codes",
    permission=Permission.OWN_RECENT,
    returns=RecoveryCodesSchema,
    status=201,
    errors=(NotFound,),
)
def replace_recovery_codes(context: SecondFactors, request: Request) -> Mapping[str, Any]:
    """All earlier codes become invalid. Only an account with an authenticator app has recovery codes."""
    identity = request.identity
    codes = services.replace_recovery_codes(context.scope, identity.id, identity.session_id)
    return {"recovery_codes": codes}
