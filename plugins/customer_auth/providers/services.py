"""Services: log in at a provider, and link an identity there to an account.

A provider is called outside of transactions.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from marshmallow import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from autonomy_core.plugin_api.customers import (
    Customer,
    find_customer_by_email,
    prove_address,
    register_customer,
    require_open_login,
)
from autonomy_core.plugin_api.errors import Conflict, NotAllowed, NotFound
from autonomy_core.plugin_api.models import utcnow, uuid7
from autonomy_core.plugin_api.payments import check_return_url
from autonomy_core.plugin_api.schemas import EmailField, paginate
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.texts import UnreadableText, readable
from customer_auth.providers import flows
from customer_auth.providers.domain import Asserted, Provider
from customer_auth.providers.models import ProviderIdentity
from customer_auth.providers.protocol import ProviderLoginFailed, Providers, providers
from customer_auth.schemas import LONGEST_NAME
from customer_auth.sessions.clients import Client
from customer_auth.sessions.methods import Method
from customer_auth.sessions.services import Tokens, open_session
from customer_auth.settings import PLUGIN

LONG_AGO = datetime.fromtimestamp(0, UTC)


class ProviderAddressUnproven(NotAllowed):
    """The provider has not proven the customer's address, or gives none."""

    code, title = "provider_address_unproven", "The provider has not verified your e-mail address"


class ProviderAddressDiffers(Conflict):
    """The address at the provider is not the account's."""

    code, title = "provider_address_differs", "The provider has another e-mail address for you"


class ProviderNotLinked(Conflict):
    """An account with the address exists, and its customer has not linked the provider to it."""

    code, title = "provider_not_linked", "Log in to your account first, and link the provider to it there"


class ProviderIdentityTaken(Conflict):
    """The identity at the provider is linked to another account."""

    code, title = "provider_identity_taken", "This identity at the provider is linked to another account"


@dataclass(frozen=True, slots=True)
class Begun:
    """A begun login.

    Attributes:
        url: where the customer logs in.
        flow: what the client sends with the second step.
    """

    url: str
    flow: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Linked:
    """An identity that is linked to an account, with the provider's name if it is still in the ini file."""

    identity: ProviderIdentity
    provider: str | None


def begin(
    scope: TenantScope, *, provider: str, return_url: str, api_url: str, customer_id: UUID | None = None
) -> Begun:
    """Begin a login at a provider, or with a customer's id the linking of an identity.

    Args:
        scope: the scope of the organisation, in no transaction.
        provider: the provider's name.
        return_url: the page that the provider returns to.
        api_url: the URL at which the API was called.
        customer_id: the customer who is logged in, and wants to link an identity.

    Raises:
        NotFound: the organisation has no such provider.
        ForeignReturnUrl: the page is not the organisation's.
        ProviderUnavailable: the provider does not answer as it should.
    """
    check_return_url(scope, return_url, api_url)
    flow = flows.begin(provider, return_url, str(customer_id) if customer_id else None)
    url = _protocol(scope).login_url(_provider(scope, provider), flow)
    return Begun(url, flows.seal(scope, flow))


def log_in(
    scope: TenantScope, *, flow: str, state: str, code: str, iss: str | None = None, client: Client
) -> Tokens:
    """Log in the customer whom a provider has authenticated. An unknown proven address gets an account.

    Args:
        scope: the scope of the organisation, in no transaction.
        flow: what `begin` returned to the same client.
        state: what the provider has returned.
        code: likewise.
        iss: likewise; None if the provider has returned none.
        client: the client of the request.

    Raises:
        ProviderLoginFailed: the flow, the state, the code or the issuer is not valid.
        ProviderAddressUnproven: the customer is new, and the address is not proven.
        ProviderNotLinked: the address has an account, which is not linked.
        ProviderUnavailable: the provider does not answer as it should.
    """
    provider, asserted = _proven(scope, flow, state, code, iss, customer_id=None)
    with scope.begin() as own:
        identity = _identity(own, provider, asserted)
        if identity is None:
            account = _new_account(own, asserted)
            identity = _link(own, account.id, provider, asserted)
        identity.used_at = utcnow()
        return open_session(
            own,
            identity.customer_id,
            methods=(Method.PROVIDER,),
            client=client,
            # The session at the provider may be old. If the provider does not say, count it as old.
            authenticated_at=asserted.authenticated_at or LONG_AGO,
        )


def link(
    scope: TenantScope,
    customer_id: UUID,
    session_id: UUID | None,
    *,
    flow: str,
    state: str,
    code: str,
    iss: str | None = None,
) -> Linked:
    """Link the identity that a provider has authenticated to the account of a customer who is logged in.

    Args:
        scope: the scope of the organisation, in no transaction.
        customer_id: the customer, who has begun the flow.
        session_id: the login of the request.
        flow, state, code, iss: see `log_in`.

    Raises:
        NotAuthenticated: the login has ended.
        ProviderLoginFailed: the flow is another customer's, or not valid; see `log_in`.
        ProviderAddressUnproven, ProviderAddressDiffers: the identity does not have the account's address.
        ProviderIdentityTaken: it is linked to another account.
        ProviderUnavailable: the provider does not answer as it should.
    """
    provider, asserted = _proven(scope, flow, state, code, iss, customer_id=customer_id)
    with scope.begin() as own:
        customer = require_open_login(own, customer_id, session_id)
        if _proven_email(asserted) != customer.email:
            raise ProviderAddressDiffers
        identity = _identity(own, provider, asserted) or _link(own, customer_id, provider, asserted)
        if identity.customer_id != customer_id:
            raise ProviderIdentityTaken
        prove_address(own, customer.email, within=customer_id)
        return Linked(identity, provider.name)


def linked_identities(scope: TenantScope, customer_id: UUID, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of the identities that are linked to an account.

    Args:
        query: what `PageQuery` loaded.
    """
    names = {provider.issuer: name for name, provider in scope.settings(PLUGIN)["providers"].items()}
    mine = select(ProviderIdentity).where(ProviderIdentity.customer_id == customer_id)
    page = paginate(scope.session, mine, ProviderIdentity.id, query)
    return {**page, "items": [Linked(each, names.get(each.issuer)) for each in page["items"]]}


def unlink(scope: TenantScope, customer_id: UUID, identity_id: UUID) -> None:
    """Remove an identity from an account. The customer can still log in by a password or a mail.

    Raises:
        NotFound: the account has no such identity.
    """
    mine = (ProviderIdentity.customer_id == customer_id, ProviderIdentity.id == identity_id)
    removed = delete(ProviderIdentity).where(*mine).returning(ProviderIdentity.id)
    if scope.session.scalars(removed).one_or_none() is None:
        raise NotFound


def _proven(
    scope: TenantScope, sealed: str, state: str, code: str, iss: str | None, *, customer_id: UUID | None
) -> tuple[Provider, Asserted]:
    flow = flows.unseal(scope, sealed)
    begun_by = str(customer_id) if customer_id else None
    if flow is None or flow.customer_id != begun_by or not _equal(flow.state, state):
        raise ProviderLoginFailed
    if not flows.use(scope, flow):
        raise ProviderLoginFailed
    provider = _provider(scope, flow.provider)
    return provider, _protocol(scope).asserted(provider, flow, code, iss)


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _provider(scope: TenantScope, name: str) -> Provider:
    found: Provider | None = scope.settings(PLUGIN)["providers"].get(name)
    if found is None:
        raise NotFound
    return found


def _protocol(scope: TenantScope) -> Providers:
    return providers(over_http=scope.server_settings(PLUGIN)["providers_over_http"])


def _identity(scope: TenantScope, provider: Provider, asserted: Asserted) -> ProviderIdentity | None:
    same = (ProviderIdentity.issuer == provider.issuer, ProviderIdentity.subject == asserted.subject)
    return scope.session.scalars(select(ProviderIdentity).where(*same)).one_or_none()


def _proven_email(asserted: Asserted) -> str:
    if asserted.email is None or not asserted.email_verified:
        raise ProviderAddressUnproven
    try:
        return str(EmailField().deserialize(asserted.email))
    except ValidationError:
        raise ProviderAddressUnproven from None


def _new_account(scope: TenantScope, asserted: Asserted) -> Customer:
    """Return a new account with a proven address. A guest with the address becomes the account."""
    email = _proven_email(asserted)
    if find_customer_by_email(scope, email) is not None:
        # A person who can log in at the provider may not own the account: only the owner can consent.
        raise ProviderNotLinked
    account = prove_address(scope, email)
    if account is None:
        account = register_customer(scope, email, _name(asserted))
        prove_address(scope, email, within=account.id)
    return account


def _name(asserted: Asserted) -> str:
    try:
        return readable(asserted.name or "", LONGEST_NAME, lines=False, blank=True)
    except UnreadableText:
        return ""


def _link(scope: TenantScope, customer_id: UUID, provider: Provider, asserted: Asserted) -> ProviderIdentity:
    identity = ProviderIdentity(
        organisation_id=scope.organisation.id,
        id=uuid7(),
        customer_id=customer_id,
        issuer=provider.issuer,
        subject=asserted.subject,
    )
    try:
        with scope.session.begin_nested():
            scope.session.add(identity)
    except IntegrityError:
        # A concurrent request has linked it.
        raise ProviderIdentityTaken from None
    return identity
