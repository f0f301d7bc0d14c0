"""Logins of customers. Plugins authenticate; other plugins hear of it here."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from autonomy_core.customers.models import Customer
from autonomy_core.errors import NotAuthenticated
from autonomy_core.kernel.login_events import CustomerLogin, LoginRequired, LoginsEnded
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
    """Lock a customer, and call the hook ``on_logins_ended``.

    A plugin that ends all logins of a customer calls this in the same transaction, before it locks a login.
    What `require_open_login` guards is then either committed, so that the hook sees it, or refused.

    Args:
        scope: the scope of the organisation, in the transaction that ends the logins.
        customer_id: the account.
    """
    _lock(scope, customer_id)
    with forbid_commit(scope):
        scope.hooks.call("on_logins_ended", LoginsEnded(scope, customer_id))


def require_open_login(scope: TenantScope, customer_id: UUID, session_id: UUID | None) -> Customer:
    """Lock a customer, and make sure that the login of the request is open now.

    A token may be accepted for some seconds after its login has ended, because processes cache open logins.
    So call this before a credential is made or changed, in the same transaction: whatever lets a person in
    after the login. The lock lasts until the transaction ends.

    Args:
        scope: the scope of the organisation, in a transaction.
        customer_id: the customer of the request.
        session_id: the login of the request; None if its authenticator knows no logins.

    Returns:
        The customer, as read after the lock.

    Raises:
        NotAuthenticated: the login has ended, or the customer was blocked, erased or merged.
    """
    customer = _lock(scope, customer_id)
    if customer is None or not customer.is_current or customer.blocked_at is not None:
        raise NotAuthenticated
    with forbid_commit(scope):
        scope.hooks.call("on_login_required", LoginRequired(scope, customer_id, session_id))
    return customer


def _lock(scope: TenantScope, customer_id: UUID) -> Customer | None:
    return scope.session.get(
        Customer,
        (scope.organisation.id, customer_id),
        with_for_update={"key_share": True},
        populate_existing=True,
    )
