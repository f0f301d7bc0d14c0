"""The money of a session: its payment intent, and a charge for every attempt to pay.

The order of events is: the intent is created, then the charge, then the intent gets the charge's result.
Source: https://docs.stripe.com/payments/paymentintents/lifecycle.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator import instruments, objects
from stripe_simulator.balances import Balances
from stripe_simulator.errors import StripeError
from stripe_simulator.events import Events
from stripe_simulator.identifiers import new_id
from stripe_simulator.instruments import Card, Outcome
from stripe_simulator.state import Ledger, Record

Document = dict[str, Any]

DECLINED = {
    "type": "card_error",
    "code": "card_declined",
    "decline_code": "generic_decline",
    "message": "The simulated card was declined.",
}
DEBIT_FAILED = {
    "type": "card_error",
    "code": "payment_intent_payment_attempt_failed",
    "message": "The simulated bank returned the debit.",
}


def card_declined(intent: Record) -> StripeError:
    """Return the 402 for a payment intent whose card was declined."""
    return StripeError(
        DECLINED["message"],
        status=402,
        error_type=DECLINED["type"],
        code=DECLINED["code"],
        details={
            "charge": intent.body["latest_charge"],
            "decline_code": DECLINED["decline_code"],
            "payment_intent": intent.body,
        },
    )


class Payments:
    """The operations on a payment intent. Call them in a transaction of ``ledger``."""

    def __init__(self, ledger: Ledger, events: Events, balances: Balances) -> None:
        self._ledger = ledger
        self._balances = balances
        self._events = events

    def intent_of(self, session: Record) -> Record:
        """Return the payment intent of ``session``, which the first attempt to pay creates."""
        if session.body["payment_intent"] is not None:
            return self._ledger.require("payment_intent", session.body["payment_intent"])
        body = session.body
        data, methods = body["payment_intent_data"], body["payment_method_types"]
        intent = self.open(session.account, body["amount_total"], body["currency"], methods, data)
        body["payment_intent"] = intent.id
        return intent

    def open(self, account: str, amount: int, currency: str, methods: list[str], data: Document) -> Record:
        """Create a payment intent, see `objects.payment_intent`."""
        body = objects.payment_intent(amount, currency, methods, data)
        intent = self._ledger.put("payment_intent", body["id"], account, body)
        self._publish(intent, "created")
        return intent

    def pay_by_card(self, intent: Record, card: Card, email: str | None) -> None:
        """Charge a card, which succeeds or is declined immediately."""
        charge = self._charge(intent, instruments.card_details(card), email)
        if card.declined:
            self._fail(intent, charge, DECLINED)
        else:
            self._succeed(intent, charge)

    def begin_debit(self, intent: Record, method: str, email: str | None) -> None:
        """Start a debit such as ``sepa_debit``; `end_debit` gives the bank's result."""
        charge = self._charge(intent, instruments.debit_details(method), email)
        intent.body["status"] = "processing"
        self._ledger.save(intent)
        self._publish(charge, "pending")
        self._publish(intent, "processing")

    def end_debit(self, intent: Record, outcome: Outcome) -> None:
        """Complete a pending debit with the bank's result."""
        charge = self._ledger.require("charge", intent.body["latest_charge"])
        if outcome == "succeeded":
            self._succeed(intent, charge)
        else:
            self._fail(intent, charge, DEBIT_FAILED)

    def _charge(self, intent: Record, method: Document, email: str | None) -> Record:
        intent.body |= {"payment_method": new_id("pm"), "last_payment_error": None}
        body = objects.charge(intent.body, method, email)
        intent.body["latest_charge"] = body["id"]
        return self._ledger.put("charge", body["id"], intent.account, body)

    def _succeed(self, intent: Record, charge: Record) -> None:
        charge.body |= {
            "status": "succeeded",
            "paid": True,
            "captured": True,
            "amount_captured": charge.body["amount"],
            "balance_transaction": self._balances.book(charge, "charge", charge.id, charge.body["amount"])[
                "id"
            ],
        }
        intent.body |= {"status": "succeeded", "amount_received": intent.body["amount"]}
        self._end(intent, charge, "succeeded", "succeeded")

    def _fail(self, intent: Record, charge: Record, error: Document) -> None:
        charge.body |= {
            "status": "failed",
            "failure_code": error["code"],
            "failure_message": error["message"],
        }
        intent.body |= {
            "status": "requires_payment_method",
            "payment_method": None,
            "last_payment_error": {**error, "charge": charge.id},
        }
        self._end(intent, charge, "failed", "payment_failed")

    def _end(self, intent: Record, charge: Record, of_charge: str, of_intent: str) -> None:
        self._ledger.save(charge)
        self._ledger.save(intent)
        self._publish(charge, of_charge)
        self._publish(intent, of_intent)

    def _publish(self, subject: Record, what: str) -> None:
        self._events.publish(subject.account, f"{subject.kind}.{what}", subject.body)
