"""Delivers tickets."""

from __future__ import annotations

from autonomy_core.plugin_api.events import PaymentCompleted
from autonomy_core.plugin_api.hooks import hookimpl


@hookimpl
def on_payment_completed(event: PaymentCompleted) -> None:
    """Grant the purchased tickets."""
    for item in event.items:
        if item.kind == "ticket":
            event.grant(item.id)
