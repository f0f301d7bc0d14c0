"""A plugin that replaces others in tests: customers by a header, payments without a provider.

It is not registered as an entry point, so that no server can load it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from autonomy_core.fields import parse_uuid
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
from autonomy_core.pages.sessions import session_token
from autonomy_core.tenancy.domain import Environment
from autonomy_core.traversal.addressing import is_page

if TYPE_CHECKING:
    from pyramid.request import Request

    from autonomy_core.kernel.scope import TenantScope
    from autonomy_core.tenancy.domain import Organisation

NAME = "stand_ins"
CUSTOMER_HEADER = "X-Test-Customer"
TWO_FACTORS_HEADER = "X-Test-Two-Factors"


class HeaderAuthenticator:
    """Trusts a header, and on pages the cookie of the session."""

    def identify(self, scope: TenantScope, request: Request) -> Identity | None:
        """Return the customer whose id the header or the cookie contains, as if just authenticated.

        A second header tells that it was with two factors.
        """
        customer_id = session_token(request) if is_page(request) else request.headers.get(CUSTOMER_HEADER)
        if parse_uuid(customer_id or "") is None:
            return None
        two_factors = TWO_FACTORS_HEADER in request.headers
        return customer_identity(
            scope.organisation.id, UUID(customer_id), recent=True, two_factors=two_factors
        )


class PretendedPayments:
    """A provider whose checkouts do not exist; the test settles them."""

    name = NAME

    def environment(self, organisation: Organisation) -> Environment:
        """Return ``test``."""
        return "test"

    def price_problem(self, organisation: Organisation, amount: int, currency: str) -> str | None:
        """Accept any price."""
        return None

    def prepare(self, scope: TenantScope, order: CheckoutOrder) -> None:
        """Store nothing."""

    def begin_checkout(self, scope: TenantScope, payment_id: UUID, prepared: object = None) -> Checkout:
        """Return a page that does not exist."""
        return Checkout(reference=f"pretended_{payment_id}", url=f"https://pay.invalid/{payment_id}")

    def attach(self, scope: TenantScope, payment_id: UUID, checkout: Checkout) -> None:
        """Store nothing."""

    def can_be_paid(self, scope: TenantScope, payment_id: UUID) -> bool:
        """Return True."""
        return True

    def has_checkout(self, scope: TenantScope, payment_id: UUID) -> bool:
        """Return False, because no checkout is recorded."""
        return False

    def expire(self, scope: TenantScope, payment_id: UUID) -> None:
        """Do nothing."""

    def fetch_state(self, scope: TenantScope, payment_id: UUID) -> Settlement | None:
        """Return None, because no payment proceeds without the test."""
        return None

    def refund(self, scope: TenantScope, order: RefundOrder) -> RefundReport:
        """Refund immediately. Repeated calls return the same refund."""
        return RefundReport(
            reference=f"pretended_{order.refund_id}",
            amount=order.amount,
            currency=order.currency,
            status=RefundStatus.SUCCEEDED,
            refund_id=order.refund_id,
            items=frozenset(order.items),
        )

    def timeline(self, scope: TenantScope, payment_id: UUID) -> Sequence[TimelineEntry]:
        """Return no entries."""
        return ()


class Thing:
    """A product kind that can always be sold and that no plugin delivers."""

    name = "thing"

    def obstacle_to_sale(self, scope: TenantScope, product_id: UUID) -> str | None:
        """Return None."""
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
