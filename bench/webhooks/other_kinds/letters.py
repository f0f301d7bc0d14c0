"""Delivers letters."""

from __future__ import annotations

from autonomy_core.plugin_api.events import PaymentCompleted
from autonomy_core.plugin_api.hooks import hookimpl


@hookimpl
def on_payment_completed(event: PaymentCompleted) -> None:
    """Grant the purchased letters."""
    for item in event.items:
        if item.kind == "letter":
            event.grant(item.id)
