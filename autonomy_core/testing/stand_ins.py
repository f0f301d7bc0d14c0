"""A plugin that stands in for the ones a test does not want: customers by a header, payments without a provider.

It is never registered as an entry point, so that no server can load it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from autonomy_core.kernel.hooks import hookimpl
from autonomy_core.kernel.identity import Identity, customer_identity
from autonomy_core.kernel.protocols import (
    Authenticator,
    Checkout,
    CheckoutOrder,
    PaymentProvider,
    ProductKind,
    RefundOrder,
    TimelineEntry,
)
from autonomy_core.kernel.settlements import RefundReport, RefundStatus, Settlement
from autonomy_core.tenancy.domain import Environment

if TYPE_CHECKING:
    from pyramid.request import Request

    from autonomy_core.kernel.scope import TenantScope
    from autonomy_core.tenancy.domain import Organisation

NAME = "stand_ins"
CUSTOMER_HEADER = "X-Test-Customer"


class HeaderAuthenticator:
    """Believes a header."""

    def identify(self, request: Request) -> Identity | None:
        """The customer whose id the header holds."""
        customer_id = request.headers.get(CUSTOMER_HEADER)
        return customer_identity(request.organisation.id, UUID(customer_id)) if customer_id else None


class PretendedPayments:
    """A provider that opens checkouts nowhere; the test settles them."""

    name = NAME

    def environment(self, organisation: Organisation) -> Environment:
        """Always test."""
        return "test"

    def price_problem(self, organisation: Organisation, amount: int, currency: str) -> str | None:
        """It collects any price."""
        return None

    def prepare(self, scope: TenantScope, order: CheckoutOrder) -> None:
        """Nothing to keep."""

    def begin_checkout(self, scope: TenantScope, payment_id: UUID, prepared: object = None) -> Checkout:
        """A page that is not there."""
        return Checkout(reference=f"pretended_{payment_id}", url=f"https://pay.invalid/{payment_id}")

    def attach(self, scope: TenantScope, payment_id: UUID, checkout: Checkout) -> None:
        """Nothing to keep."""

    def can_be_paid(self, scope: TenantScope, payment_id: UUID) -> bool:
        """For ever."""
        return True

    def has_checkout(self, scope: TenantScope, payment_id: UUID) -> bool:
        """None is recorded."""
        return False

    def expire(self, scope: TenantScope, payment_id: UUID) -> None:
        """Nothing to close."""

    def fetch_state(self, scope: TenantScope, payment_id: UUID) -> Settlement | None:
        """Nothing ever happens by itself."""
        return None

    def refund(self, scope: TenantScope, order: RefundOrder) -> RefundReport:
        """Gives the money back at once, as often as it is asked for one refund."""
        return RefundReport(
            reference=f"pretended_{order.refund_id}",
            amount=order.amount,
            currency=order.currency,
            status=RefundStatus.SUCCEEDED,
            refund_id=order.refund_id,
            items=frozenset(order.items),
        )

    def timeline(self, scope: TenantScope, payment_id: UUID) -> Sequence[TimelineEntry]:
        """It keeps no records."""
        return ()


class Thing:
    """A kind of product that can always be sold, and that nobody delivers."""

    name = "thing"

    def obstacle_to_sale(self, scope: TenantScope, product_id: UUID) -> str | None:
        """Never any."""
        return None


@hookimpl
def register_authenticators() -> Sequence[Authenticator]:
    """Customers by a header."""
    return [HeaderAuthenticator()]


@hookimpl
def register_payment_provider() -> PaymentProvider:
    """Payments that a test completes."""
    return PretendedPayments()


@hookimpl
def register_product_kinds() -> Sequence[ProductKind]:
    """Things."""
    return [Thing()]
