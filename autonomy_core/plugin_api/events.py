"""What `on_…` hooks are told, for plugins."""

from __future__ import annotations

from autonomy_core.kernel.events import BoughtProduct, CustomerRegistered, PaymentCompleted, PaymentFacts

__all__ = [
    "BoughtProduct",
    "CustomerRegistered",
    "PaymentCompleted",
    "PaymentFacts",
]
