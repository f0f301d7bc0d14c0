"""What a payment provider, a product kind or an authenticator must be able to do."""

from __future__ import annotations

from autonomy_core.kernel.protocols import (
    Authenticator,
    Checkout,
    CheckoutOrder,
    DeliveringKind,
    Flush,
    PaymentProvider,
    ProductKind,
    RefundOrder,
    TimelineEntry,
)

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
