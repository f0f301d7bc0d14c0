"""The balance of an account: what each charge, refund and dispute adds or takes, and Stripe's fee.

A balance is in the currency of the charge, unless `Balances.settle_in` names another: then amounts are
converted at a fixed rate. Source: https://docs.stripe.com/reports/balance-transaction-types.
"""

from __future__ import annotations

from typing import Any, Literal

from stripe_simulator import currencies, objects
from stripe_simulator.state import Ledger, Record

Document = dict[str, Any]
What = Literal["charge", "refund", "refund_failure", "dispute", "dispute_reversal"]

RATE = 0.9
"""The simulated rate between any two currencies."""

FEE_PERCENT, FEE_FIXED = 1.5, 25
"""The simulated fee of a charge: a part of the amount, and Stripe's units of the balance's currency."""

DISPUTE_FEE = 2000
"""The simulated fee of a dispute, which is not returned."""

OTHER_TYPES = {"dispute": "adjustment", "dispute_reversal": "adjustment"}
OF_DEBITS = {"charge": "payment", "refund": "payment_refund", "refund_failure": "payment_refund"}
"""The ``type`` where it is not what happened: of disputes, and of charges by bank debit and their refunds."""

DESCRIPTIONS = {"dispute": "Chargeback withdrawal for {}", "dispute_reversal": "Chargeback reversal for {}"}


class Balances:
    """Books changes of balances. Call it in a transaction of ``ledger``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._settlement: dict[str, str] = {}

    def settle_in(self, account: str, currency: str) -> None:
        """Convert all further changes of an account's balance to a currency."""
        self._settlement[account] = currency

    def book(self, charge: Record, what: What, source: str, amount: int) -> Document:
        """Book a change of the balance because of a charge, and return the balance transaction.

        Args:
            charge: the charge.
            what: what happened.
            source: the id of the charge, of its refund or of its dispute.
            amount: in Stripe's units of the charge's currency, negative for a decrease.
        """
        paid_in = charge.body["currency"]
        currency = self._settlement.get(charge.account, paid_in)
        converted = currency != paid_in
        booked = _converted(amount, paid_in, currency) if converted else amount
        by_card = charge.body["payment_method_details"]["type"] == "card"
        body = objects.balance_transaction(
            source,
            OTHER_TYPES.get(what) or (what if by_card else OF_DEBITS[what]),
            what,
            DESCRIPTIONS[what].format(charge.id) if what in DESCRIPTIONS else charge.body["description"],
            amount=booked,
            fee=_fee(what, booked),
            currency=currency,
            exchange_rate=RATE if converted else None,
        )
        self._ledger.put("balance_transaction", body["id"], charge.account, body)
        return body


def _fee(what: What, amount: int) -> int:
    if what == "charge":
        return round(amount * FEE_PERCENT / 100) + FEE_FIXED
    return DISPUTE_FEE if what == "dispute" else 0


def _converted(amount: int, paid_in: str, currency: str) -> int:
    return round(amount * RATE * 10 ** (currencies.decimals(currency) - currencies.decimals(paid_in)))
