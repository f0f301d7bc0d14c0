"""The events of ``on_…`` hooks about logins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from autonomy_core.kernel.scope import TenantScope

__all__ = ["CustomerLogin", "LoginRequired", "LoginsEnded"]


@dataclass(frozen=True, slots=True)
class CustomerLogin:
    """A customer was authenticated, and is about to be logged in.

    Attributes:
        scope: the organisation's scope, with the session of the current transaction.
        customer_id: the account.
        methods: what the customer was authenticated with, for example ``pwd``, ``otp`` and ``hwk`` of RFC
            8176, or ``mail``, ``oidc`` and ``recovery``; with two factors also ``mfa``.
        network: the client's IPv4 address, or its IPv6 /64 network.
        is_new_device: whether none of the account's earlier logins came from a client like this one.
        has_second_factor: whether the account has a second factor that it could be asked for.
    """

    scope: TenantScope
    customer_id: UUID
    methods: frozenset[str]
    network: str
    is_new_device: bool
    has_second_factor: bool
    _require_second_factor: Callable[[], None] = field(repr=False, compare=False)

    def require_second_factor(self) -> None:
        """Refuse the login unless two factors were presented. The customer is asked for the second one."""
        self._require_second_factor()


@dataclass(frozen=True, slots=True)
class LoginRequired:
    """A request is about to make or change a credential of its customer.

    Attributes:
        scope: the organisation's scope, with the session of the current transaction.
        customer_id: the account, whose row is locked.
        session_id: the login of the request; None if its authenticator knows no logins.
    """

    scope: TenantScope
    customer_id: UUID
    session_id: UUID | None


@dataclass(frozen=True, slots=True)
class LoginsEnded:
    """All logins of an account were ended at once, in the current transaction."""

    scope: TenantScope
    customer_id: UUID
