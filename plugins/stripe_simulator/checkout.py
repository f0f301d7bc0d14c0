"""The life of a Checkout session: open, then complete or expired, and paid at once, later or never.

Source: https://docs.stripe.com/payments/checkout and
https://docs.stripe.com/payments/checkout/fulfill-orders.
"""

from __future__ import annotations

import time
from typing import Any

from stripe_simulator import currencies, instruments, objects
from stripe_simulator.errors import StripeError
from stripe_simulator.events import Events
from stripe_simulator.instruments import Card, Outcome
from stripe_simulator.payments import Payments
from stripe_simulator.state import Ledger, Record

DECLINED = instruments.card("4000000000000002")


class Checkout:
    """The operations on a session. Each method is one transaction and publishes the resulting events.

    A stored session has two members that the API does not show: ``line_items``, which can be expanded, and
    ``payment_intent_data``, the parameters of the payment intent that the first attempt to pay creates.
    """

    def __init__(self, ledger: Ledger, events: Events, payments: Payments) -> None:
        self._ledger = ledger
        self._events = events
        self._payments = payments

    def create(self, account: str, parameters: dict[str, Any], origin: str) -> Record:
        """Open a session; ``parameters`` are those of ``schemas.SessionCreate``."""
        taxed = parameters["automatic_tax"]["enabled"]
        items = [objects.line_item(item, taxed=taxed) for item in parameters["line_items"]]
        body = objects.session(parameters, items, origin)
        currencies.check_total(body["amount_total"], body["currency"])
        hidden = {"line_items": items, "payment_intent_data": parameters["payment_intent_data"]}
        return self._ledger.put("session", body["id"], account, body | hidden)

    def expire(self, session: Record, cause: dict[str, Any] | None = None) -> Record:
        """Expire an open session."""
        with self._ledger.transaction():
            session = self._open(session)
            session.body |= {"status": "expired", "url": None}
            self._ledger.save(session)
            self._publish(session, "expired", cause)
        return session

    def expire_overdue(self) -> None:
        """Expire every open session whose ``expires_at`` has passed."""
        with self._ledger.transaction():
            for session in self._ledger.find("session", status="open"):
                if session.body["expires_at"] <= time.time():
                    self.expire(session)

    def pay_by_card(
        self, session: Record, email: str | None = None, card: Card = instruments.ORDINARY
    ) -> Record:
        """Complete the session as paid. A declined card leaves it open for another attempt."""
        with self._ledger.transaction():
            session = self._open(session)
            if session.body["payment_status"] == "no_payment_required":
                return self._complete(session, email)
            intent = self._payments.intent_of(session)
            self._payments.pay_by_card(intent, card, _buyer(session, email))
            if card.declined:
                self._ledger.save(session)
                return session
            session.body["payment_status"] = "paid"
            return self._complete(session, email)

    def pay_by_debit(self, session: Record, email: str | None = None) -> Record:
        """Complete the session as unpaid; ``settle`` gives the bank's decision."""
        with self._ledger.transaction():
            session = self._payable(session)
            method = objects.delayed_method(session.body["currency"])
            if method not in session.body["payment_method_types"]:
                raise StripeError(f"This session cannot be paid by {method}.")
            self._payments.begin_debit(self._payments.intent_of(session), method, _buyer(session, email))
            return self._complete(session, email)

    def decline(self, session: Record) -> Record:
        """Decline the buyer's card; the session stays open for another attempt."""
        with self._ledger.transaction():
            return self.pay_by_card(self._payable(session), card=DECLINED)

    def settle(self, session: Record, outcome: Outcome) -> Record:
        """Complete a pending bank debit; raises StripeError (409) if there is none."""
        with self._ledger.transaction():
            session = self._fresh(session)
            intent = self._ledger.get("payment_intent", session.body["payment_intent"] or "")
            if intent is None or intent.body["status"] != "processing":
                raise StripeError("No bank debit is pending for this session.", status=409)
            self._payments.end_debit(intent, outcome)
            if outcome == "succeeded":
                session.body["payment_status"] = "paid"
            self._ledger.save(session)
            self._publish(session, f"async_payment_{outcome}")
        return session

    def _complete(self, session: Record, email: str | None) -> Record:
        details: dict[str, Any] = {
            "email": _buyer(session, email),
            "address": None,
            "name": None,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        }
        session.body |= {"status": "complete", "url": None, "customer_details": details}
        self._ledger.save(session)
        self._publish(session, "completed")
        return session

    def _fresh(self, session: Record) -> Record:
        """Read ``session`` again within the transaction, in which no other thread can change it."""
        return self._ledger.require("session", session.id)

    def _open(self, session: Record) -> Record:
        session = self._fresh(session)
        if session.body["status"] != "open":
            raise StripeError(f"Only an open session allows this; this one is {session.body['status']}.")
        return session

    def _payable(self, session: Record) -> Record:
        session = self._open(session)
        if session.body["payment_status"] == "no_payment_required":
            raise StripeError("This session is free: there is nothing to pay.")
        return session

    def _publish(self, session: Record, what: str, cause: dict[str, Any] | None = None) -> None:
        self._events.publish(session.account, f"checkout.session.{what}", public(session), cause)


def _buyer(session: Record, email: str | None) -> str:
    return session.body["customer_email"] or email or "buyer@example.com"


def public(session: Record) -> dict[str, Any]:
    """Return the session as the API shows it."""
    hidden = ("line_items", "payment_intent_data")
    return {name: value for name, value in session.body.items() if name not in hidden}
