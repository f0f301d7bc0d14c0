"""Logins at providers over HTTP."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.traversal import find_interface

from autonomy_core.plugin_api.customers import EmailTaken
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.payments import ForeignReturnUrl
from autonomy_core.plugin_api.resources import ApiV1, Resource
from autonomy_core.plugin_api.schemas import PageQuery, page_of
from autonomy_core.plugin_api.security import Permission
from customer_auth.providers import services
from customer_auth.providers.protocol import ProviderLoginFailed, ProviderUnavailable
from customer_auth.providers.resources import LinkedIdentities, LinkedIdentity, ProviderLogins
from customer_auth.providers.schemas import (
    BegunSchema,
    LinkedIdentitySchema,
    ProviderBeginningSchema,
    ProviderFinishSchema,
    ProvidersSchema,
)
from customer_auth.schemas import TokensSchema
from customer_auth.second_factors.errors import LOGIN_ERRORS
from customer_auth.sessions.requests import client_of
from customer_auth.sessions.services import Tokens
from customer_auth.settings import PLUGIN

BEGIN_ERRORS = (NotFound, ForeignReturnUrl, ProviderUnavailable)


@api_view(
    context=ProviderLogins,
    method="GET",
    summary="List the providers at which customers can log in",
    permission=PUBLIC,
    returns=ProvidersSchema,
    transaction="none",
)
def list_providers(context: ProviderLogins, request: Request) -> dict[str, Any]:
    """At most those in the organisation's ini file; empty if it has none."""
    return {"items": list(context.scope.settings(PLUGIN)["providers"].values())}


@api_view(
    context=ProviderLogins,
    method="POST",
    name="start",
    summary="Begin a login at a provider",
    permission=PUBLIC,
    body=ProviderBeginningSchema,
    returns=BegunSchema,
    errors=BEGIN_ERRORS,
    transaction="none",
)
def start_provider_login(context: ProviderLogins, request: Request) -> services.Begun:
    """The page goes to the `url`. The provider returns to the page with `code` and `state`."""
    return services.begin(context.scope, api_url=_api_url(context, request), **request.validated)


@api_view(
    context=ProviderLogins,
    method="POST",
    name="finish",
    summary="Log in with what a provider has returned",
    permission=PUBLIC,
    body=ProviderFinishSchema,
    returns=TokensSchema,
    errors=(
        *LOGIN_ERRORS,
        EmailTaken,
        ProviderLoginFailed,
        ProviderUnavailable,
        services.ProviderAddressUnproven,
        services.ProviderIdentityTaken,
        services.ProviderNotLinked,
    ),
    transaction="none",
)
def finish_provider_login(context: ProviderLogins, request: Request) -> Tokens:
    """A new address gets an account. An account that exists must be linked to the provider before."""
    return services.log_in(context.scope, client=client_of(request), **request.validated)


@api_view(
    context=LinkedIdentities,
    method="GET",
    summary="List the identities that are linked to the account",
    permission=Permission.OWN,
    query=PageQuery,
    returns=page_of(LinkedIdentitySchema),
)
def list_linked_identities(context: LinkedIdentities, request: Request) -> dict[str, Any]:
    """Each is a way to log in. Newest first."""
    return services.linked_identities(context.scope, request.identity.id, request.query)


@api_view(
    context=LinkedIdentities,
    method="POST",
    name="start",
    summary="Begin to link an identity at a provider",
    permission=Permission.OWN_RECENT,
    body=ProviderBeginningSchema,
    returns=BegunSchema,
    errors=BEGIN_ERRORS,
    transaction="none",
)
def start_linking(context: LinkedIdentities, request: Request) -> services.Begun:
    """Like the beginning of a login, for a customer who is logged in."""
    api_url, customer_id = _api_url(context, request), request.identity.id
    return services.begin(context.scope, api_url=api_url, customer_id=customer_id, **request.validated)


@api_view(
    context=LinkedIdentities,
    method="POST",
    summary="Link the identity that a provider has returned",
    permission=Permission.OWN,
    body=ProviderFinishSchema,
    returns=LinkedIdentitySchema,
    status=201,
    errors=(
        ProviderLoginFailed,
        ProviderUnavailable,
        services.ProviderAddressDiffers,
        services.ProviderAddressUnproven,
        services.ProviderIdentityTaken,
    ),
    transaction="none",
)
def link_identity(context: LinkedIdentities, request: Request) -> services.Linked:
    """The provider must have verified the account's own address."""
    identity = request.identity
    return services.link(context.scope, identity.id, identity.session_id, **request.validated)


@api_view(
    context=LinkedIdentity,
    method="DELETE",
    summary="Unlink an identity",
    permission=Permission.OWN_RECENT,
    status=204,
    errors=(NotFound,),
)
def unlink_identity(context: LinkedIdentity, request: Request) -> None:
    """The identity is no way to log in any more."""
    services.unlink(context.scope, request.identity.id, context.identity_id)


def _api_url(context: Resource, request: Request) -> str:
    return str(request.resource_url(find_interface(context, ApiV1)))
