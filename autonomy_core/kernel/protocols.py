"""What a plugin may provide, as Protocols: the core asks for no more than is written here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from uuid import UUID

from autonomy_core.kernel.settlements import PaymentStatus, RefundReport, Settlement
from autonomy_core.tenancy.domain import Environment

if TYPE_CHECKING:
    from pyramid.request import Request
    from sqlalchemy import ColumnElement

    from autonomy_core.kernel.identity import Identity
    from autonomy_core.kernel.scope import TenantScope
    from autonomy_core.tenancy.domain import Organisation

__all__ = [
    "Authenticator",
    "Checkout",
    "CheckoutOrder",
    "DeliveringKind",
    "Flush",
    "PaymentProvider",
    "ProductKind",
    "RefundOrder",
    "TimelineEntry",
]


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """What a provider is asked to collect.

    Attributes:
        payment_id: the payment; a provider uses it as its idempotency key.
        amount: more than 0, in the minor unit of the currency.
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


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """What a provider is asked to give back.

    Attributes:
        refund_id: the refund; a provider uses it as its idempotency key.
        amount: in the minor unit of the currency; a part of the payment or all of it.
        currency: ISO 4217, lower case.
        items: the products that it is for, in a fixed order. A provider that can keep them with the refund says them in
            its reports, also of a refund that we have forgotten.
    """

    refund_id: UUID
    payment_id: UUID
    amount: int
    currency: str
    environment: Environment
    items: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened to a payment, for whoever has to explain it.

    Attributes:
        at: when it became known, aware.
        kind: what happened, in the past tense, for machines: ``event_received``.
        detail: JSON-serialisable, without secrets.
    """

    at: datetime
    kind: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class PaymentProvider(Protocol):
    """Collects money for one organisation, and gives it back.

    The core calls `prepare`, `begin_checkout` and `attach` in this order.
    """

    name: str
    """The plugin's name; it is stored with the payment."""

    def environment(self, organisation: Organisation) -> Environment:
        """Whether the organisation's new payments are made in test or in live."""

    def price_problem(self, organisation: Organisation, amount: int, currency: str) -> str | None:
        """Why the provider would not collect a price, in a sentence for staff; None if it would.

        Asked when a product is priced, not when a buyer pays.

        Args:
            amount: in the minor unit of the currency, more than 0.
            currency: ISO 4217, lower case.
        """

    def prepare(self, scope: TenantScope, order: CheckoutOrder) -> Any:
        """Write the provider's own row, in the transaction that makes the payment: all that a checkout needs.

        Write with ``scope.add(row)``, which is cheaper than a session where nothing else needs one.

        Returns:
            What `begin_checkout` is given when this payment's checkout is opened for the first time; it may be None.
        """

    def begin_checkout(self, scope: TenantScope, payment_id: UUID, prepared: Any = None) -> Checkout:
        """The checkout of a payment that was prepared, opened if it is not yet: twice is one checkout.

        Called between transactions: begin your own with `scope.begin()`, before and after you ask. To use
        `scope.session` would hold a connection to the database for as long as the provider takes to answer.

        Args:
            prepared: what `prepare` has just returned, so that the row need not be read. None where a payment is
                found again, for example after a crash: then the row says what is asked for, and whether it was opened.

        Raises:
            Unavailable: the provider does not answer, or does not take the order.
        """

    def attach(self, scope: TenantScope, payment_id: UUID, checkout: Checkout) -> None:
        """Record the checkout, in a transaction of its own, after `begin_checkout`."""

    def can_be_paid(self, scope: TenantScope, payment_id: UUID) -> bool:
        """Whether the checkout of a pending payment may be handed to the buyer again, as far as is known here.

        In the transaction of the purchase: the provider is not asked.
        """

    def has_checkout(self, scope: TenantScope, payment_id: UUID) -> bool:
        """Whether a checkout has been recorded, by whichever call. The payment is locked."""

    def expire(self, scope: TenantScope, payment_id: UUID) -> None:
        """Close the checkout of a pending payment, so that it cannot be paid. Called as `begin_checkout`.

        Raises:
            Unavailable: the provider does not answer, or it is too late.
        """

    def fetch_state(self, scope: TenantScope, payment_id: UUID) -> Settlement | None:
        """Ask the provider what has become of a payment, refunds and disputes included; None while nothing has.

        Called between transactions, as `begin_checkout`.

        Raises:
            Unavailable: the provider does not answer.
            PaymentsUnavailable: only an operator can help, for example with another key.
            ProviderNotSetUp: the provider was not called, for example because there is no key.
        """

    def refund(self, scope: TenantScope, order: RefundOrder) -> RefundReport:
        """Give money back; twice for one order is one refund. Called between transactions, as `begin_checkout`.

        Raises:
            Unavailable: the provider does not answer; the same order is given again later.
            RefundRefused: the provider does not take the order, and will not.
        """

    def timeline(self, scope: TenantScope, payment_id: UUID) -> Sequence[TimelineEntry]:
        """What the provider's own records say of a payment, in any order."""


@runtime_checkable
class ProductKind(Protocol):
    """A kind of product, for example ``mp3``."""

    name: str
    """What ``product.kind`` says."""

    def obstacle_to_sale(self, scope: TenantScope, product_id: UUID) -> str | None:
        """Why a product of this kind cannot be sold now, in a sentence for staff; None when it can."""


@runtime_checkable
class DeliveringKind(Protocol):
    """A `ProductKind` of which not every product has something to deliver. One that has not is not listed.

    For a kind without this method customers see every product that is on sale, and a purchase asks `obstacle_to_sale`.
    """

    name: str

    def has_something_to_deliver(self, scope: TenantScope, product: type[Any]) -> ColumnElement[bool]:
        """The condition, in SQL, that a product of this kind has something to deliver. It agrees with `obstacle_to_sale`.

        It becomes a part of the statement that lists products, so that a list costs one statement however long it is.

        Args:
            product: `Product`, or an alias of it, to whose ``organisation_id`` and ``id`` the condition refers.
        """


@dataclass(frozen=True, slots=True)
class Quote:
    """What a product costs a customer now.

    Attributes:
        amount: what is to be paid, in the minor unit of the currency.
        discount: what was taken off the price for that.
        coupon: what took it off, with an ``id`` and a ``code``; locked until the transaction ends.
    """

    amount: int
    currency: str
    discount: int = 0
    coupon: Any = None


class Discounts(Protocol):
    """Takes something off a price for a code, and keeps count of it while a payment goes on."""

    def quote(self, scope: TenantScope, customer_id: UUID, product: Any, code: str | None) -> Quote:
        """What a product costs with a code, or without one.

        Raises:
            CouponNotValid: the transaction must be committed, so that the attempt counts.
            TooManyRequests: the customer has guessed too often.
        """

    def reserve(self, scope: TenantScope, coupon: Any, payment: Any) -> None:
        """Take what a `Quote` has locked for a payment that has just been opened.

        Raises:
            CouponUsedUp: a limit is reached.
        """

    def release(self, scope: TenantScope, payment_ids: Collection[UUID]) -> None:
        """Give back what payments have reserved that are not to be paid any more."""

    def follow(self, scope: TenantScope, payment: Any, collected: PaymentStatus) -> None:
        """Let what a locked payment has taken follow how far collecting the payment has come."""


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
