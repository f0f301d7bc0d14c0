"""What has come of purchases, in a shop's database and in Stripe's books."""

from __future__ import annotations

from collections.abc import Callable
from typing import LiteralString

from bench.database import count, execute
from bench.purchase.simulator import sessions_of
from bench.server import Server


def counting(
    name: str, address: str, payments: LiteralString, sessions: LiteralString, stripe: Server
) -> Callable[[], dict[str, int]]:
    """How a contender's purchases are counted: each has to have one payment and one Stripe session, which belong together.

    Args:
        address: of its database.
        payments: selects numbers of payments.
        sessions: selects the session of each payment.
    """

    def counted() -> dict[str, int]:
        at_stripe = sessions_of(stripe, name)
        known = {row[0] for row in execute(address, sessions)}
        return {
            **count(address, payments),
            "Stripe sessions": len(at_stripe),
            "payments with a Stripe session": len(known & {*at_stripe}),
        }

    return counted
