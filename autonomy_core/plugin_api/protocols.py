"""What a plugin may provide, as Protocols: the core asks for no more than is written here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from uuid import UUID

from autonomy_core.payments.domain import Environment, Settlement

if TYPE_CHECKING:
    from pyramid.request import Request

    from autonomy_core.plugin_api.scope import TenantScope
    from autonomy_core.plugin_api.security import Identity
    from autonomy_core.tenancy.domain import Organisation


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """What a provider is asked to collect.

    Attributes:
        payment_id: the payment; a provider uses it as its idempotency key.
        amount: in the minor unit of the currency.
        currency: ISO 4217, lower case.
        success_url: where the buyer goes after paying; checked to be the organisation's own.
        cancel_url: where the buyer goes after giving up; checked likewise.
        api_url: the address of the organisation's API, with a slash at the end; a provider hangs its return page there.
    """

    payment_id: UUID
    product_id: UUID
    customer_id: UUID
    title: str
    amount: int
    currency: str
    environment: Environment
    customer_email: str
    success_url: str
    cancel_url: str
    api_url: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """A page on which the buyer can pay.

    Attributes:
        reference: the provider's own id of it.
        url: where the buyer's browser is sent.
        expires_at: until when it can be paid, aware.
    """

    reference: str
    url: str
    expires_at: datetime | None = None


@runtime_checkable
class PaymentProvider(Protocol):
    """Collects money for one organisation. The core calls the three methods of a checkout in order."""

    name: str
    """The plugin's name; it is stored with the payment."""

    def environment(self, organisation: Organisation) -> Environment:
        """Whether the organisation's new payments are made in test or in live."""

    def prepare(self, scope: TenantScope, order: CheckoutOrder) -> None:
        """Write the provider's own row, in the transaction that makes the payment."""

    def begin_checkout(self, scope: TenantScope, order: CheckoutOrder) -> Checkout:
        """Open a checkout at the provider; twice for one order is one checkout.

        Called between transactions: the scope is for its settings. To use its session would hold a
        connection to the database for as long as the provider takes to answer.

        Raises:
            Unavailable: the provider does not answer, or does not take the order.
        """

    def attach(self, scope: TenantScope, order: CheckoutOrder, checkout: Checkout) -> None:
        """Record the checkout, in a transaction of its own, after `begin_checkout`."""

    def fetch_state(self, scope: TenantScope, payment_id: UUID) -> Settlement | None:
        """Ask the provider what has become of a payment; None while nothing has.

        Raises:
            Unavailable: the provider does not answer.
        """


@runtime_checkable
class ProductKind(Protocol):
    """A kind of product, for example ``mp3``."""

    name: str
    """What ``product.kind`` says."""

    def obstacle_to_sale(self, scope: TenantScope, product_id: UUID) -> str | None:
        """Why a product of this kind cannot be sold now, in a sentence for staff; None when it can."""


@runtime_checkable
class Authenticator(Protocol):
    """Recognises who is asking."""

    def identify(self, request: Request) -> Identity | None:
        """Who is asking, or None when this authenticator cannot tell. It raises nothing for bad credentials."""


@runtime_checkable
class Flush(Protocol):
    """Gathers something in memory, from any thread, and writes it when it is told to."""

    name: str
    """``<plugin>.<what it gathers>``."""

    def waiting(self) -> Iterable[str]:
        """The ids of the organisations about which something has been gathered and not written."""

    def write(self, scope: TenantScope) -> None:
        """Write what was gathered about an organisation, in a transaction of its own. If it raises, it loses nothing."""
