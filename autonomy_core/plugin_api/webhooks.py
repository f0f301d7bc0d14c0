"""Webhooks, for plugins: what a provider's plugin gives, and what the core's inbox gives it."""

from __future__ import annotations

from autonomy_core.kernel.webhooks import (
    BadEvent,
    BadSignature,
    Delivery,
    NotYet,
    Origin,
    OwnerUnknown,
    Search,
    SetAside,
    StoredEvent,
    WebhookSource,
)
from autonomy_core.webhooks.batches import batched_event, batched_events
from autonomy_core.webhooks.deliveries import UNKNOWN, DeliveryCounts, count_deliveries
from autonomy_core.webhooks.domain import TO_HANDLE
from autonomy_core.webhooks.inbox import handle_waiting

__all__ = [
    "TO_HANDLE",
    "UNKNOWN",
    "BadEvent",
    "BadSignature",
    "Delivery",
    "DeliveryCounts",
    "NotYet",
    "Origin",
    "OwnerUnknown",
    "Search",
    "SetAside",
    "StoredEvent",
    "WebhookSource",
    "batched_event",
    "batched_events",
    "count_deliveries",
    "handle_waiting",
]
