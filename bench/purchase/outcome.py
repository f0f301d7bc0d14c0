"""Counts the results of purchases in a shop's database and at Stripe."""

from __future__ import annotations

from collections.abc import Callable
from typing import LiteralString

from bench.database import count, execute
from bench.purchase.simulator import sessions_of
from bench.server import Server

PAYMENTS = """
    SELECT count(*) AS payments, count(DISTINCT customer_id) AS "customers with a payment",
        count(*) FILTER (WHERE status = 'pending') AS "pending payments"
    FROM payments
"""


def counting(
    name: str, address: str, sessions: LiteralString, stripe: Server
) -> Callable[[], dict[str, int]]:
    """Return a function that counts a contender's purchases.

    Each purchase must have one payment and one matching session.

    Args:
        name: the contender's name.
        address: the database's connection string.
        sessions: a statement that selects the session of each payment.
        stripe: the simulator.
    """

    def counted() -> dict[str, int]:
        at_stripe = sessions_of(stripe, name)
        known = {row[0] for row in execute(address, sessions)}
        return {
            **count(address, PAYMENTS),
            "Stripe sessions": len(at_stripe),
            "payments with a Stripe session": len(known & {*at_stripe}),
        }

    return counted
