"""The interfaces that plugins implement: providers, product kinds, authenticators, formats, deliveries."""

from __future__ import annotations

from autonomy_core.kernel.delivery import DeliveredFile, FileDelivery, Handover, Redirect, SentByProxy
from autonomy_core.kernel.finders import PaymentFinder
from autonomy_core.kernel.images import ImageProcessor
from autonomy_core.kernel.listing import (
    DerivedKind,
    ExtrasKind,
    ListedExtra,
    ListedFormat,
    ListedTrack,
    ListingKind,
    PartKind,
    PartOf,
    WholeKind,
)
from autonomy_core.kernel.media import MediaFormat, Recording
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
    "DerivedKind",
    "ExtrasKind",
    "FileDelivery",
    "Flush",
    "Handover",
    "ImageProcessor",
    "ListedExtra",
    "ListedFormat",
    "ListedTrack",
    "ListingKind",
    "MediaFormat",
    "PartKind",
    "PartOf",
    "PaymentFinder",
    "PaymentProvider",
    "ProductKind",
    "Recording",
    "Redirect",
    "RefundOrder",
    "SentByProxy",
    "TimelineEntry",
    "WholeKind",
]
