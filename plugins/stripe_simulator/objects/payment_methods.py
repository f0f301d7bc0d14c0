"""Payment methods (https://docs.stripe.com/api/payment_methods)."""

from __future__ import annotations

import time
from typing import Any

from stripe_simulator.identifiers import new_id

Document = dict[str, Any]


def payment_method(kind: str, details: Document, billing_details: Document) -> Document:
    """Return a new payment method.

    ``details`` are the members of its ``kind``, which is ``card`` or ``sepa_debit``.
    """
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {**billing_details, "tax_id": None},
        "created": int(time.time()),
        "customer": None,
        "customer_account": None,
        kind: details,
        "livemode": False,
        "metadata": {},
        "type": kind,
    }
