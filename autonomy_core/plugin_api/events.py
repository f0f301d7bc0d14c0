"""The arguments of `on_…` hooks, for plugins."""

from __future__ import annotations

from autonomy_core.kernel.events import (
    BoughtProduct,
    CustomerErased,
    CustomerLogin,
    CustomerRegistered,
    CustomersMerged,
    CustomerUpdated,
    CustomerVerified,
    DisputeFacts,
    DownloadStarted,
    GrantRevoked,
    LoginsEnded,
    MailSending,
    PaymentCompleted,
    PaymentDisputed,
    PaymentFacts,
    PaymentRefunded,
    PurchaseRequested,
    RefundFacts,
    TrackReady,
)
from autonomy_core.kernel.product_events import ImageChanged, ProductChanged

__all__ = [
    "BoughtProduct",
    "CustomerErased",
    "CustomerLogin",
    "CustomerRegistered",
    "CustomerUpdated",
    "CustomerVerified",
    "CustomersMerged",
    "DisputeFacts",
    "DownloadStarted",
    "GrantRevoked",
    "ImageChanged",
    "LoginsEnded",
    "MailSending",
    "PaymentCompleted",
    "PaymentDisputed",
    "PaymentFacts",
    "PaymentRefunded",
    "ProductChanged",
    "PurchaseRequested",
    "RefundFacts",
    "TrackReady",
]
