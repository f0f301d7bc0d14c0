"""Events that are stored together with the settlement of their payments.

See `autonomy_core.payments.batches`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autonomy_core.kernel.webhooks import Delivery
from autonomy_core.payments.batch_lookup import EventTable
from autonomy_core.webhooks.models import WebhookEvent


def batched_events(source: str, *, found_by: str) -> EventTable:
    """Describe the table in which a batch stores its events as processed; for `BatchLookup`.

    Args:
        source: the name of the source.
        found_by: the lookup that finds the payments, as for `Search.record`.
    """
    return EventTable(
        model=WebhookEvent,
        values=("event_id", "type", "payload"),
        constants={
            "source": source,
            "status": "processed",
            "attempts": 1,
            "lookups": f"{found_by}: found",
            "matched_by": found_by,
            "origin": "webhook",
        },
        payment="payment_id",
        times=("received_at", "processed_at"),
        status="status",
        waits_for="waits_for",
    )


def batched_event(delivery: Delivery) -> Mapping[str, Any]:
    """Return the event of a `PaidReport`.

    Args:
        delivery: a posted event, which has its text.
    """
    return {"event_id": delivery.event_id, "type": delivery.type, "payload": delivery.text}
