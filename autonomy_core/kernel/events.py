"""What ``on_…`` hooks are told: one frozen object each, so that a field can be added without breaking anyone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from autonomy_core.kernel.scope import TenantScope
    from autonomy_core.tenancy.domain import Environment

__all__ = ["BoughtProduct", "CustomerRegistered", "PaymentCompleted", "PaymentFacts"]


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """A payment, as hooks see it.

    Attributes:
        product_kind: ``bundle`` where several products were bought at one price; see `PaymentCompleted.items`.
        amount: what was paid, after a discount, in the minor unit of the currency.
        currency: ISO 4217, lower case.
        environment: ``test`` or ``live``: a test payment grants nothing in live.
    """

    id: UUID
    customer_id: UUID
    product_id: UUID
    product_kind: str
    amount: int
    currency: str
    environment: Environment
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class BoughtProduct:
    """A product that was bought, alone or in a bundle.

    Attributes:
        kind: what the plugin that delivers it calls it, for example ``mp3``; never ``bundle``.
    """

    id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class PaymentCompleted:
    """A payment has been completed, in this very transaction.

    Attributes:
        scope: the organisation, with the session of the transaction that completes the payment.
        payment: what has been paid.
        plugin: the plugin that this event is handed to; grants are recorded under its name.
        items: what was bought: the product; of a bundle, the products that it consisted of when the purchase began.
    """

    scope: TenantScope
    payment: PaymentFacts
    plugin: str
    items: tuple[BoughtProduct, ...]
    _grant: Callable[[UUID], None] = field(repr=False, compare=False)

    def grant(self, product_id: UUID) -> None:
        """Give the customer of this payment a product. A second call for the same product changes nothing.

        It may be written later, but before anything that is asked of the session, and in the same transaction.

        Args:
            product_id: a product of the same organisation.

        Raises:
            NotFound: there is no such product in this organisation.
        """
        self._grant(product_id)


@dataclass(frozen=True, slots=True)
class CustomerRegistered:
    """A customer has registered, in this very transaction."""

    scope: TenantScope
    customer_id: UUID
    email: str
