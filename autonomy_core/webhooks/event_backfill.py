"""Fetch and handle events that a provider could not deliver."""

from __future__ import annotations

from datetime import timedelta

import structlog

from autonomy_core.db.base import utcnow
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.webhooks import BadEvent, Delivery, WebhookSource
from autonomy_core.webhooks import inbox
from autonomy_core.webhooks.fetching import Complete, UntilNoAnswer

log = structlog.get_logger(__name__)

REACH = timedelta(days=7)
"""Maximum age of fetched events. Stripe retries for three days; a worker may have been down for longer."""


def fetch_events(scope: TenantScope, source: WebhookSource) -> int:
    """Handle the undelivered events of a provider. Events that are stored already do not change.

    Args:
        scope: its own transaction is not used.
        source: the provider.

    Returns:
        The number of events, including stored ones.

    Raises:
        Unavailable: the provider does not answer.
    """
    complete = UntilNoAnswer()
    found = source.list_undelivered(scope, utcnow() - REACH)
    taken = sum(_take(scope, source, delivery, complete) for delivery in found)
    if taken:
        log.info("webhook.events_fetched", source=source.name, events=taken)
    return taken


def _take(scope: TenantScope, source: WebhookSource, delivery: Delivery, complete: Complete) -> bool:
    """Store and handle an event; return whether it could be stored."""
    try:
        inbox.receive(scope, source, delivery, complete=complete)
    except BadEvent as error:
        log.warning(
            "webhook.fetched_event_refused",
            source=source.name,
            event_id=delivery.event_id,
            reason=str(error),
        )
        return False
    return True
