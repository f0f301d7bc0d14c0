"""Services: create passkeys, prove to have one, and log in with it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from autonomy_core.plugin_api.customers import find_customer, require_open_login
from autonomy_core.plugin_api.errors import NotAuthenticated, NotFound
from autonomy_core.plugin_api.limits import count_attempt
from autonomy_core.plugin_api.models import utcnow, uuid7
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.limits import attempts
from customer_auth.passkeys.domain import (
    MOST_PASSKEYS,
    Page,
    customer_of,
    is_copy,
    is_own_origin,
    rp_id_of,
    user_handle,
)
from customer_auth.passkeys.errors import ForeignPage, PasskeyExists, PasskeyRefused, TooManyPasskeys
from customer_auth.passkeys.models import Passkey
from customer_auth.sessions import flows
from customer_auth.sessions.clients import Client
from customer_auth.sessions.flows import FlowKind
from customer_auth.sessions.methods import Method
from customer_auth.sessions.notices import FactorChange, notify_of_factors
from customer_auth.sessions.services import Tokens, open_session

if TYPE_CHECKING:
    from types import ModuleType

    from customer_auth.passkeys.ceremonies import NewCredential

log = structlog.get_logger(__name__)

CHALLENGE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Offer:
    """What a browser needs for a passkey.

    Attributes:
        flow: the handle that the client sends back with the credential.
        options: the options of WebAuthn.
    """

    flow: str = field(repr=False)
    options: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PresentedPasskey:
    """A credential that a browser has made with an `Offer`."""

    flow: str = field(repr=False)
    credential: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proof:
    """A customer who has proved to have a passkey, and the methods that this counts as."""

    customer_id: UUID
    methods: frozenset[Method]


def passkeys_of(scope: TenantScope, customer_id: UUID) -> Select[Passkey]:
    """Return the statement that selects the passkeys of a customer."""
    return select(Passkey).where(Passkey.customer_id == customer_id)


def offer_creation(scope: TenantScope, customer_id: UUID, *, page: Page, rp_id: str | None) -> Offer:
    """Begin to create a passkey for a customer who is logged in.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.
        page: the page that the customer uses.
        rp_id: the host that the passkey shall belong to; None for the page's.

    Raises:
        ForeignPage: the page or the host is not the organisation's.
        TooManyPasskeys: the account has as many as are allowed.
    """
    customer = find_customer(scope, customer_id)
    if customer is None:
        raise NotAuthenticated
    known = scope.session.scalars(passkeys_of(scope, customer_id)).all()
    if len(known) >= MOST_PASSKEYS:
        raise TooManyPasskeys
    host, challenge = _host(scope, page, rp_id), secrets.token_bytes(CHALLENGE_BYTES)
    shop = scope.organisation
    account = _ceremonies().Account(
        user_handle(shop.id, customer_id), f"{customer.email} ({shop.name})", customer.name or customer.email
    )
    options = _ceremonies().creation_options(
        host, shop.name, account, challenge, [each.credential_id for each in known]
    )
    handle = flows.begin(
        scope, FlowKind.NEW_PASSKEY, customer_id=customer_id, challenge=challenge, rp_id=host
    )
    return Offer(handle, options)


def create(
    scope: TenantScope,
    customer_id: UUID,
    session_id: UUID | None,
    presented: PresentedPasskey,
    *,
    name: str,
    page: Page,
) -> Passkey:
    """Keep a new passkey of a customer who is logged in.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.
        session_id: the login of the request.
        presented: the new credential.
        name: how the customer calls it.
        page: the page that the customer uses.

    Raises:
        NotAuthenticated: the login has ended.
        PasskeyRefused: the credential is not valid, or the flow is another customer's or was used.
        PasskeyExists: it is registered already.
    """
    require_open_login(scope, customer_id, session_id)
    found, rp_id = _verified(scope, customer_id, presented, page)
    passkey = Passkey(
        organisation_id=scope.organisation.id,
        id=uuid7(),
        customer_id=customer_id,
        name=name,
        credential_id=found.credential_id,
        public_key=found.public_key,
        rp_id=rp_id,
        sign_count=found.sign_count,
        backed_up=found.backed_up,
    )
    try:
        with scope.session.begin_nested():
            scope.session.add(passkey)
    except IntegrityError as error:
        raise PasskeyExists from error
    notify_of_factors(scope, customer_id, FactorChange.PASSKEY_ADDED)
    return passkey


def _verified(
    scope: TenantScope, customer_id: UUID, presented: PresentedPasskey, page: Page
) -> tuple[NewCredential, str]:
    """Return a new credential, and the host that it belongs to."""
    flow = flows.take(scope, FlowKind.NEW_PASSKEY, presented.flow)
    if flow is None or flow.customer_id != customer_id or flow.challenge is None or flow.rp_id is None:
        raise PasskeyRefused
    ceremonies = _ceremonies()
    try:
        origin = _own_origin(scope, presented, page)
        found = ceremonies.verify_creation(
            presented.credential, challenge=flow.challenge, rp_id=flow.rp_id, origin=origin
        )
    except ceremonies.Unverified as error:
        raise PasskeyRefused from error
    return found, flow.rp_id


def rename(scope: TenantScope, customer_id: UUID, passkey_id: UUID, name: str) -> Passkey:
    """Give a passkey of a customer another name.

    Raises:
        NotFound: the customer has no such passkey.
    """
    found = _own(scope, customer_id, passkey_id)
    found.name = name
    return found


def remove(scope: TenantScope, customer_id: UUID, passkey_id: UUID) -> None:
    """Remove a passkey of a customer.

    Raises:
        NotFound: the customer has no such passkey.
    """
    scope.session.delete(_own(scope, customer_id, passkey_id))
    notify_of_factors(scope, customer_id, FactorChange.PASSKEY_REMOVED)


def offer_signature(scope: TenantScope, *, page: Page, rp_id: str | None, client: Client) -> Offer:
    """Begin a login, a second step or a re-authentication with a passkey. The passkey tells the customer.

    Args:
        scope: the scope of the organisation.
        page: the page that the customer uses.
        rp_id: the host of the passkeys; None for the page's.
        client: the client of the request.

    Raises:
        ForeignPage: the page or the host is not the organisation's.
        TooManyRequests: too many requests from this address.
    """
    host, challenge = _host(scope, page, rp_id), secrets.token_bytes(CHALLENGE_BYTES)
    with scope.begin() as own:
        count_attempt(own, attempts.passkey_buckets(client.address))
    handle = flows.begin(scope, FlowKind.PASSKEY, challenge=challenge, rp_id=host)
    return Offer(handle, _ceremonies().request_options(host, challenge))


def log_in(scope: TenantScope, presented: PresentedPasskey, *, page: Page, client: Client) -> Tokens:
    """Log the customer of a passkey in.

    Raises:
        PasskeyRefused: the signature is not valid, or the passkey was probably copied.
        AccountBlocked, SecondFactorRequired, SecondFactorMissing: see `open_session`.
    """
    proof = prove(scope, presented, page)
    return open_session(scope, proof.customer_id, methods=proof.methods, client=client)


def prove(scope: TenantScope, presented: PresentedPasskey, page: Page) -> Proof:
    """Return whose passkey has signed. The challenge is used up, whatever the result.

    Raises:
        PasskeyRefused: the signature is not valid, or the passkey was probably copied.
    """
    flow = flows.take(scope, FlowKind.PASSKEY, presented.flow)
    if flow is None or flow.challenge is None:
        raise PasskeyRefused
    ceremonies = _ceremonies()
    try:
        passkey = _lock(scope, presented)
        origin = _own_origin(scope, presented, page)
        signature = ceremonies.verify_signature(
            presented.credential,
            challenge=flow.challenge,
            rp_id=passkey.rp_id,
            origin=origin,
            public_key=passkey.public_key,
        )
    except ceremonies.Unverified as error:
        raise PasskeyRefused from error
    if is_copy(passkey.sign_count, signature.sign_count):
        passkey.copied_at = utcnow()
        log.warning(
            "customer_auth.passkey_copied", passkey=str(passkey.id), customer=str(passkey.customer_id)
        )
        raise PasskeyRefused
    passkey.sign_count, passkey.backed_up = signature.sign_count, signature.backed_up
    passkey.last_used_at = utcnow()
    verified = {Method.TWO_FACTORS} if signature.user_verified else set()
    return Proof(passkey.customer_id, frozenset({Method.SECURITY_KEY, *verified}))


def _lock(scope: TenantScope, presented: PresentedPasskey) -> Passkey:
    """Return the passkey of a credential. Its counter is read and written by one request at a time."""
    credential_id = _ceremonies().id_of(presented.credential)
    handle = _ceremonies().handle_of(presented.credential)
    statement = select(Passkey).where(Passkey.credential_id == credential_id).with_for_update()
    found = scope.session.scalars(statement).one_or_none()
    if found is None or customer_of(handle, scope.organisation.id) != found.customer_id:
        raise PasskeyRefused
    return found


def _own(scope: TenantScope, customer_id: UUID, passkey_id: UUID) -> Passkey:
    found = scope.session.scalars(passkeys_of(scope, customer_id).where(Passkey.id == passkey_id))
    if (passkey := found.one_or_none()) is None:
        raise NotFound
    return passkey


def _host(scope: TenantScope, page: Page, rp_id: str | None) -> str:
    """Return the host that a passkey of a page belongs to.

    Raises:
        ForeignPage: the page or the wanted host is not the organisation's.
    """
    own = rp_id_of(page, scope.hosts)
    if own is None or (rp_id not in (None, own) and rp_id not in scope.organisation.hosts):
        raise ForeignPage(f"Use one of: {', '.join(scope.organisation.hosts) or 'localhost'}.")
    return rp_id or own


def _own_origin(scope: TenantScope, presented: PresentedPasskey, page: Page) -> str:
    """Return the origin that the browser has recorded.

    Raises:
        PasskeyRefused: it is not the organisation's: another site has passed the credential on.
    """
    origin = _ceremonies().origin_of(presented.credential)
    if not is_own_origin(origin, scope.hosts, page.api_host):
        raise PasskeyRefused
    return origin


def _ceremonies() -> ModuleType:
    from customer_auth.passkeys import ceremonies  # noqa: PLC0415 - its library needs 15 MiB

    return ceremonies
