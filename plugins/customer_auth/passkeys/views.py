"""Passkeys over HTTP."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autonomy_core.plugin_api.errors import TooManyRequests
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.schemas import PageQuery, page_of, paginate
from autonomy_core.plugin_api.security import Permission
from customer_auth.passkeys import services
from customer_auth.passkeys.errors import ForeignPage, PasskeyExists, PasskeyRefused, TooManyPasskeys
from customer_auth.passkeys.models import Passkey
from customer_auth.passkeys.resources import CustomerPasskey, CustomerPasskeys
from customer_auth.passkeys.schemas import (
    NewPasskeySchema,
    OfferSchema,
    PasskeyNameSchema,
    PasskeyProofSchema,
    PasskeySchema,
    RequestedHostSchema,
)
from customer_auth.schemas import TokensSchema
from customer_auth.second_factors.errors import LOGIN_ERRORS
from customer_auth.second_factors.resources import Login
from customer_auth.sessions.requests import client_of, page_of_request
from customer_auth.sessions.services import Tokens


@api_view(
    context=CustomerPasskeys,
    method="GET",
    summary="List your passkeys",
    permission=Permission.OWN,
    query=PageQuery,
    returns=page_of(PasskeySchema),
)
def list_passkeys(context: CustomerPasskeys, request: Request) -> dict[str, Any]:
    """Newest first."""
    statement = services.passkeys_of(context.scope, request.identity.id)
    return paginate(context.scope.session, statement, Passkey.id, request.query)


@api_view(
    context=CustomerPasskeys,
    method="POST",
    name="options",
    summary="Begin to create a passkey",
    permission=Permission.OWN_RECENT,
    body=RequestedHostSchema,
    returns=OfferSchema,
    errors=(ForeignPage, TooManyPasskeys),
)
def offer_passkey(context: CustomerPasskeys, request: Request) -> services.Offer:
    """Give `options` to `navigator.credentials.create`."""
    return services.offer_creation(
        context.scope,
        request.identity.id,
        page=page_of_request(request),
        rp_id=request.validated["rp_id"],
    )


@api_view(
    context=CustomerPasskeys,
    method="POST",
    summary="Keep a new passkey",
    permission=Permission.OWN_RECENT,
    body=NewPasskeySchema,
    returns=PasskeySchema,
    status=201,
    errors=(PasskeyRefused, PasskeyExists),
)
def create_passkey(context: CustomerPasskeys, request: Request) -> Passkey:
    """From now on the customer can log in with it."""
    given = request.validated
    presented = services.PresentedPasskey(given["flow"], given["credential"])
    return services.create(
        context.scope,
        request.identity.id,
        request.identity.session_id,
        presented,
        name=given["name"],
        page=page_of_request(request),
    )


@api_view(
    context=CustomerPasskey,
    method="PATCH",
    summary="Rename a passkey",
    permission=Permission.OWN,
    body=PasskeyNameSchema,
    returns=PasskeySchema,
)
def rename_passkey(context: CustomerPasskey, request: Request) -> Passkey:
    """The name is for the customer only."""
    return services.rename(context.scope, request.identity.id, context.passkey_id, request.validated["name"])


@api_view(
    context=CustomerPasskey,
    method="DELETE",
    summary="Remove a passkey",
    permission=Permission.OWN_RECENT,
    status=204,
)
def remove_passkey(context: CustomerPasskey, request: Request) -> None:
    """It stays on the customer's device, but does not log in any more."""
    services.remove(context.scope, request.identity.id, context.passkey_id)


@api_view(
    context=Login,
    method="POST",
    name="passkey-options",
    summary="Begin to use a passkey",
    permission=PUBLIC,
    body=RequestedHostSchema,
    returns=OfferSchema,
    errors=(ForeignPage, TooManyRequests),
)
def offer_login(context: Login, request: Request) -> services.Offer:
    """Give `options` to `navigator.credentials.get`.

    The result logs in (`login/passkey`), is the second step of a login, or authenticates again.
    """
    return services.offer_signature(
        context.scope,
        page=page_of_request(request),
        rp_id=request.validated["rp_id"],
        client=client_of(request),
    )


@api_view(
    context=Login,
    method="POST",
    name="passkey",
    summary="Log in with a passkey",
    permission=PUBLIC,
    body=PasskeyProofSchema,
    returns=TokensSchema,
    errors=(PasskeyRefused, *LOGIN_ERRORS),
)
def log_in_with_passkey(context: Login, request: Request) -> Tokens:
    """A passkey that has verified its user by a PIN, a finger or a face is two factors."""
    presented = services.PresentedPasskey(**request.validated)
    return services.log_in(context.scope, presented, page=page_of_request(request), client=client_of(request))
