"""Logins of customers. Plugins authenticate; other plugins hear of it here."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from autonomy_core.kernel.events import CustomerLogin, LoginsEnded
from autonomy_core.kernel.scope import TenantScope, forbid_commit


def announce_login(
    scope: TenantScope,
    customer_id: UUID,
    *,
    methods: Iterable[str],
    network: str,
    is_new_device: bool,
    has_second_factor: bool,
) -> bool:
    """Call the hook ``on_login``. A plugin that logs customers in calls this before it issues tokens.

    Args:
        scope: the scope of the organisation.
        customer_id: the account.
        methods, network, is_new_device, has_second_factor: see `CustomerLogin`.

    Returns:
        Whether a plugin demands a second factor.
    """
    demands: list[bool] = []
    event = CustomerLogin(
        scope,
        customer_id,
        methods=frozenset(methods),
        network=network,
        is_new_device=is_new_device,
        has_second_factor=has_second_factor,
        _require_second_factor=lambda: demands.append(True),
    )
    with forbid_commit(scope):
        scope.hooks.call("on_login", event)
    return bool(demands)


def announce_logins_ended(scope: TenantScope, customer_id: UUID) -> None:
    """Call the hook ``on_logins_ended``. A plugin that ends all logins of a customer calls this afterwards.

    Args:
        scope: the scope of the organisation, in the transaction that ends the logins.
        customer_id: the account.
    """
    with forbid_commit(scope):
        scope.hooks.call("on_logins_ended", LoginsEnded(scope, customer_id))
