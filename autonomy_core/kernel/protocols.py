"""The Protocols that plugins can implement. The core calls nothing else of a plugin's objects."""

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
    "History",
    "PaymentProvider",
    "ProductKind",
    "RefundOrder",
    "TimelineEntry",
]


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """The order to collect a payment.

    Attributes:
        payment_id: the payment. Providers use it as idempotency key.
        product_id: the product.
        customer_id: the customer.
        title: the product's title.
        amount: more than 0, in the minor unit of the currency.
        currency: an ISO 4217 code in lower case.
        environment: whether to collect it in test or live.
        customer_email: the customer's e-mail address.
        success_url: where the buyer is sent after paying; verified to be one of the organisation's hosts.
        cancel_url: where the buyer is sent after cancelling; verified likewise.
        api_url: the URL of the organisation's API, with a slash at the end; the return page is below it.
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
        reference: the provider's id of the checkout.
        url: where the buyer's browser is sent.
        expires_at: until when the buyer can pay, timezone-aware; None for no limit.
    """

    reference: str
    url: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """The order to refund a payment or a part of it.

    Attributes:
        refund_id: the refund. Providers use it as idempotency key.
        payment_id: the payment.
        amount: in the minor unit of the currency, at most the amount of the payment.
        currency: an ISO 4217 code in lower case.
        environment: the environment of the payment.
        items: the ids of the refunded products, in a fixed order. A provider that can store them reports them
            later, even for a refund that is missing in our database.
    """

    refund_id: UUID
    payment_id: UUID
    amount: int
    currency: str
    environment: Environment
    items: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """An event in the history of a payment.

    Attributes:
        at: when the server learned of it, timezone-aware.
        kind: what happened, for machines, in the past tense: ``event_received``.
        detail: JSON-serialisable data without secrets.
    """

    at: datetime
    kind: str
    detail: Mapping[str, Any] = field(default_factory=dict)


class History(Protocol):
    """What a feature of the core contributes to a payment's timeline."""

    def __call__(self, scope: TenantScope, payment: Any, /) -> Iterable[TimelineEntry]:
        """The entries, in any order, in the scope's transaction."""


@runtime_checkable
class PaymentProvider(Protocol):
    """Collects and refunds money for organisations.

    The core calls `prepare`, `begin_checkout` and `attach` in this order. In all methods, ``scope`` is the
    scope of the organisation, and ``payment_id`` the id of one of its payments.

    `prepare`, `attach`, `can_be_paid`, `has_checkout` and `timeline` are called in a transaction that the
    core ends. There a commit, a rollback and `scope.begin()` raise NotYourTransaction, and nothing is kept.
    """

    name: str
    """The plugin's name, which is stored with the payment."""

    def environment(self, organisation: Organisation) -> Environment:
        """The environment of the organisation's new payments."""

    def price_problem(self, organisation: Organisation, amount: int, currency: str) -> str | None:
        """Why the provider cannot collect a price, as a sentence for staff; None if it can.

        The core calls this when staff set a price, not when a customer buys.

        Args:
            organisation: the organisation.
            amount: in the minor unit of the currency, more than 0.
            currency: an ISO 4217 code in lower case.
        """

    def prepare(self, scope: TenantScope, order: CheckoutOrder) -> Any:
        """Write the provider's row with all data for the checkout, in the transaction that adds the payment.

        Write it with ``scope.add(row)``. That is cheaper than a session, if nothing else needs the session.

        Args:
            scope: the organisation's scope, in the transaction.
            order: the order, with the payment's id.

        Returns:
            The ``prepared`` argument for the first call of `begin_checkout` for this payment; may be None.
        """

    def begin_checkout(self, scope: TenantScope, payment_id: UUID, prepared: Any = None) -> Checkout:
        """Open the checkout of a prepared payment, or return the open one. Repeated calls give one checkout.

        The core calls this outside of a transaction. Use `scope.begin()` for transactions before and after
        the provider's server is called. Do not use `scope.session`: it would hold a database connection
        during the call.

        Args:
            scope: the organisation's scope, in no transaction.
            payment_id: the payment.
            prepared: the result of `prepare`, so that the row need not be read. It is None if the payment was
                prepared earlier, for example before a crash. Then the row says whether a checkout is open.

        Raises:
            Unavailable: the provider's server does not answer, or rejects the order.
        """

    def attach(self, scope: TenantScope, payment_id: UUID, checkout: Checkout) -> None:
        """Record the checkout, after `begin_checkout`, in a transaction; after a collision in a new one.

        Args:
            scope: the organisation's scope, in the transaction.
            payment_id: the payment, which is locked.
            checkout: the result of `begin_checkout`.
        """

    def can_be_paid(self, scope: TenantScope, payment_id: UUID) -> bool:
        """Whether the database says that the buyer can still pay on a pending payment's checkout.

        The core calls this in the purchase's transaction, so it must not call the provider's server.
        """

    def has_checkout(self, scope: TenantScope, payment_id: UUID) -> bool:
        """Whether a checkout is recorded for the payment, by this or another call. The payment is locked."""

    def expire(self, scope: TenantScope, payment_id: UUID) -> None:
        """Close a pending payment's checkout, also if a crash lost its record. Called like `begin_checkout`.

        Raises:
            Unavailable: the provider's server does not answer, or the payment was already made.
        """

    def fetch_state(self, scope: TenantScope, payment_id: UUID) -> Settlement | None:
        """Query the provider for the state of a payment, including refunds and disputes.

        The core calls this outside of a transaction, like `begin_checkout`.

        Returns:
            The state; None if nothing has happened yet.

        Raises:
            Unavailable: the provider's server does not answer.
            PaymentsUnavailable: an operator must act first, for example set another key.
            ProviderNotSetUp: the provider was not called, for example because no key is configured.
        """

    def refund(self, scope: TenantScope, order: RefundOrder) -> RefundReport:
        """Refund money. Repeated calls with the same order give one refund. Called like `begin_checkout`.

        Args:
            scope: the organisation's scope, in no transaction.
            order: the order, whose ``refund_id`` is the idempotency key.

        Raises:
            Unavailable: the provider's server does not answer. The core repeats the same order later.
            RefundRefused: the provider rejects the order permanently.
        """

    def timeline(self, scope: TenantScope, payment_id: UUID) -> Sequence[TimelineEntry]:
        """Entries of the provider's own records about a payment, in any order."""


@runtime_checkable
class ProductKind(Protocol):
    """A kind of product, for example ``mp3``."""

    name: str
    """The value of ``product.kind``."""

    def obstacle_to_sale(self, scope: TenantScope, product_id: UUID) -> str | None:
        """Why a product of this kind cannot be sold now, as a sentence for staff; None if it can.

        The core calls this in its own transaction, which it cannot end; see `PaymentProvider`.
        """


@runtime_checkable
class DeliveringKind(Protocol):
    """A `ProductKind` whose products may lack content to deliver. Products without content are not listed.

    For a kind without this method, customers see all products on sale, and a purchase calls
    `obstacle_to_sale`.
    """

    name: str

    def has_something_to_deliver(self, scope: TenantScope, product: type[Any]) -> ColumnElement[bool]:
        """The SQL condition for products of this kind that have content. It must match `obstacle_to_sale`.

        It becomes a part of the query that lists products, so that a list of any length takes one query.
        Declare the tables that it reads with `add_to_catalogue`.

        Args:
            scope: the organisation's scope.
            product: `Product` or an alias of it. The condition refers to its ``organisation_id`` and ``id``.
        """


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of a purchase for a customer.

    Attributes:
        amount: the amount to pay, in the minor unit of the currency.
        currency: an ISO 4217 code in lower case.
        discount: the discount that ``amount`` includes, in the same unit.
        coupon: the coupon of the discount, with an ``id`` and a ``code``; locked until the transaction ends.
    """

    amount: int
    currency: str
    discount: int = 0
    coupon: Any = None


class Discounts(Protocol):
    """Gives discounts for codes, and counts their use by payments."""

    def quote(
        self, scope: TenantScope, customer_id: UUID | None, product_id: UUID, price: Any, code: str | None
    ) -> Quote:
        """The price of a purchase, with or without a code.

        Args:
            scope: the organisation's scope, in the transaction of the purchase.
            customer_id: the customer; None for a buyer without an account, whose attempts the caller counts.
            product_id: the product.
            price: ``amount`` and ``currency`` before the discount.
            code: the code of a coupon; None for no discount.

        Raises:
            CouponNotValid: the code is not valid. Commit the transaction, so that the attempt is counted.
            TooManyRequests: the customer has tried too many codes.
            CouponNeedsAccount: each customer may use the code a limited number of times.
        """

    def reserve(self, scope: TenantScope, coupon: Any, payment: Any) -> None:
        """Reserve the coupon of a `Quote`, which is locked, for a new payment.

        Raises:
            CouponUsedUp: a limit of the coupon is reached.
        """

    def release(self, scope: TenantScope, payment_ids: Collection[UUID]) -> None:
        """Release the reservations of payments that can no longer be paid."""

    def follow(self, scope: TenantScope, payment: Any, collected: PaymentStatus) -> None:
        """Update the reservation of a locked payment to the status of collecting its money."""


@runtime_checkable
class Authenticator(Protocol):
    """Identifies the caller of a request."""

    def identify(self, scope: TenantScope, request: Request) -> Identity | None:
        """The caller, or None if this authenticator does not recognise it. Bad credentials must not raise.

        Args:
            scope: in the request's own transaction. There is no context yet.
        """


@runtime_checkable
class Flush(Protocol):
    """Collects data in memory, from any thread, and writes it when the core asks for it."""

    name: str
    """``<plugin>.<what it collects>``."""

    def waiting(self) -> Iterable[str]:
        """The ids of organisations with collected data that is not written yet."""

    def write(self, scope: TenantScope) -> None:
        """Write the data of an organisation, in its own transaction. If it raises, no data may be lost."""
