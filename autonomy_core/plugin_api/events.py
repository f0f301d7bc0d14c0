"""The arguments of `on_…` hooks, for plugins."""

from __future__ import annotations

from autonomy_core.kernel.events import (
    BoughtProduct,
    CustomerErased,
    CustomerRegistered,
    CustomersMerged,
    CustomerUpdated,
    CustomerVerified,
    DisputeFacts,
    DownloadStarted,
    GrantRevoked,
    MailSending,
    PaymentCompleted,
    PaymentDisputed,
    PaymentFacts,
    PaymentRefunded,
    PurchaseRequested,
    RefundFacts,
    TrackReady,
)
from autonomy_core.kernel.login_events import CustomerLogin, LoginRequired, LoginsEnded
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
    "LoginRequired",
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
