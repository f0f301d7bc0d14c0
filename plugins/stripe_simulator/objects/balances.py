"""Balance transactions (https://docs.stripe.com/api/balance_transactions)."""

from __future__ import annotations

import time
from typing import Any

from stripe_simulator.identifiers import new_id

Document = dict[str, Any]


def balance_transaction(
    source: str,
    kind: str,
    category: str,
    description: str | None,
    *,
    amount: int,
    fee: int,
    currency: str,
    exchange_rate: float | None,
) -> Document:
    """Return a change of an account's balance.

    Args:
        source: the id of the charge, the refund or the dispute.
        kind: the ``type``.
        category: the ``reporting_category``.
        description: the description.
        amount: in Stripe's units of ``currency``, negative for a decrease.
        fee: the part that Stripe keeps, in the same units.
        currency: of the balance.
        exchange_rate: from the currency of the source; None without a conversion.
    """
    now = int(time.time())
    details = {"amount": fee, "application": None, "currency": currency, "description": "Stripe fees"}
    return {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now,
        "balance_type": "payments",
        "created": now,
        "currency": currency,
        "description": description,
        "exchange_rate": exchange_rate,
        "fee": fee,
        "fee_details": [{**details, "type": "stripe_fee"}] if fee else [],
        "net": amount - fee,
        "reporting_category": category,
        "source": source,
        "status": "available",
        "type": kind,
    }
