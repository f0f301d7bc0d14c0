"""The check of each login, whatever the way to log in: blocked accounts, second factors, plugins' demands."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import exists, select

from autonomy_core.plugin_api.customers import Customer, announce_login, find_customer
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import client_network
from customer_auth.passkeys.models import Passkey
from customer_auth.second_factors.domain import Factor
from customer_auth.second_factors.errors import AccountBlocked, SecondFactorMissing, SecondFactorRequired
from customer_auth.second_factors.models import RecoveryCode, Totp
from customer_auth.sessions import flows
from customer_auth.sessions.clients import Client
from customer_auth.sessions.flows import FlowKind
from customer_auth.sessions.methods import Method


def admit(
    scope: TenantScope,
    customer_id: UUID,
    *,
    methods: Collection[Method],
    client: Client,
    is_new_device: bool,
) -> Customer:
    """Return the account of a login that may begin.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.
        methods: what the customer was authenticated with, see `methods.with_factors`.
        client: the client of the request.
        is_new_device: whether no earlier login came from a client like this one.

    Raises:
        AccountBlocked: the account is blocked or closed.
        SecondFactorRequired: the account or a plugin asks for a second factor, which has not been presented.
        SecondFactorMissing: a plugin asks for a second factor, and the account has none.
    """
    account = find_customer(scope, customer_id)
    if account is None or not account.is_current or account.blocked_at is not None:
        raise AccountBlocked
    available = factors_of(scope, customer_id)
    has_two = Method.TWO_FACTORS in methods
    if Factor.TOTP in available and not has_two:
        raise _second_step(scope, customer_id, methods, available)
    demanded = announce_login(
        scope,
        customer_id,
        methods=methods,
        network=client_network(client.address),
        is_new_device=is_new_device,
        has_second_factor=bool(available),
    )
    if demanded and not has_two:
        raise _second_step(scope, customer_id, methods, available) if available else SecondFactorMissing
    return account


def factors_of(scope: TenantScope, customer_id: UUID) -> list[Factor]:
    """Return what a customer can be asked for as a second factor."""
    has = {
        Factor.TOTP: exists(Totp.customer_id).where(
            Totp.customer_id == customer_id, Totp.confirmed_at.is_not(None)
        ),
        Factor.RECOVERY_CODE: exists(RecoveryCode.customer_id).where(RecoveryCode.customer_id == customer_id),
        Factor.PASSKEY: exists(Passkey.id).where(Passkey.customer_id == customer_id),
    }
    row = scope.session.execute(select(*has.values())).one()
    return [factor for factor, present in zip(has, row, strict=True) if present]


def _second_step(
    scope: TenantScope, customer_id: UUID, methods: Collection[Method], available: list[Factor]
) -> SecondFactorRequired:
    handle = flows.begin(scope, FlowKind.SECOND_FACTOR, customer_id=customer_id, methods=methods)
    return SecondFactorRequired(extra={"flow": handle, "methods": [factor.value for factor in available]})
