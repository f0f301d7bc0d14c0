"""The interfaces of payment providers, product kinds, authenticators, image processors and deliveries."""

from __future__ import annotations

from autonomy_core.kernel.delivery import DeliveredFile, Delivery, Handover, Redirect, SentByProxy
from autonomy_core.kernel.finders import PaymentFinder
from autonomy_core.kernel.images import ImageProcessor
from autonomy_core.kernel.listing import ListedTrack, ListingKind
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
    "DeliveredFile",
    "DeliveringKind",
    "Delivery",
    "Flush",
    "Handover",
    "ImageProcessor",
    "ListedTrack",
    "ListingKind",
    "PaymentFinder",
    "PaymentProvider",
    "ProductKind",
    "Redirect",
    "RefundOrder",
    "SentByProxy",
    "TimelineEntry",
]
