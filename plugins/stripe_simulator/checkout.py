"""The life of a Checkout session: open, then complete or expired, and paid at once, later or never.

Source: https://docs.stripe.com/payments/checkout and https://docs.stripe.com/payments/checkout/fulfill-orders.
"""

from __future__ import annotations

import time
from typing import Any

from stripe_simulator import currencies, instruments, objects
from stripe_simulator.errors import StripeError
from stripe_simulator.events import Events
from stripe_simulator.instruments import Card, Outcome
from stripe_simulator.payments import Payments
from stripe_simulator.state import Books, Record

DECLINED = instruments.card("4000000000000002")


class Checkout:
    """What can be done to a session. Each method is one transaction and publishes the events that follow from it.

    A session is kept with two members that the API does not show as such: ``line_items``, which it shows on demand,
    and ``payment_intent_data``, from which the payment intent is made when the buyer first tries to pay.
    """

    def __init__(self, books: Books, events: Events, payments: Payments) -> None:
        self._books = books
        self._events = events
        self._payments = payments

    def create(self, account: str, parameters: dict[str, Any], origin: str) -> Record:
        """Open a session; ``parameters`` are those of ``schemas.SessionCreate``."""
        items = [objects.line_item(item) for item in parameters["line_items"]]
        total = sum(item["amount_total"] for item in items)
        currencies.check_total(total, items[0]["currency"])
        body = objects.session(parameters, total, origin)
        hidden = {"line_items": items, "payment_intent_data": parameters["payment_intent_data"]}
        return self._books.put("session", body["id"], account, body | hidden)

    def expire(self, session: Record, cause: dict[str, Any] | None = None) -> Record:
        """Close an open session unpaid."""
        with self._books.transaction():
            session = self._open(session)
            session.body |= {"status": "expired", "url": None}
            self._books.save(session)
            self._publish(session, "expired", cause)
        return session

    def expire_overdue(self) -> None:
        """Expire every open session whose time has come."""
        with self._books.transaction():
            for session in self._books.find("session", status="open"):
                if session.body["expires_at"] <= time.time():
                    self.expire(session)

    def pay_by_card(
        self, session: Record, email: str | None = None, card: Card = instruments.ORDINARY
    ) -> Record:
        """Complete the session, paid; a card that is declined leaves it open for another try."""
        with self._books.transaction():
            session = self._open(session)
            if session.body["payment_status"] == "no_payment_required":
                return self._complete(session, email)
            intent = self._payments.intent_of(session)
            self._payments.pay_by_card(intent, card, _buyer(session, email))
            if card.declined:
                self._books.save(session)
                return session
            session.body["payment_status"] = "paid"
            return self._complete(session, email)

    def pay_by_debit(self, session: Record, email: str | None = None) -> Record:
        """Complete the session, unpaid until ``settle`` says what the bank did."""
        with self._books.transaction():
            session = self._payable(session)
            method = objects.delayed_method(session.body["currency"])
            if method not in session.body["payment_method_types"]:
                raise StripeError(f"This session cannot be paid by {method}.")
            self._payments.begin_debit(self._payments.intent_of(session), method, _buyer(session, email))
            return self._complete(session, email)

    def decline(self, session: Record) -> Record:
        """Refuse the buyer's card; the session stays open for another try."""
        with self._books.transaction():
            return self.pay_by_card(self._payable(session), card=DECLINED)

    def settle(self, session: Record, outcome: Outcome) -> Record:
        """End a bank debit that is on its way; raises StripeError (409) if there is none."""
        with self._books.transaction():
            session = self._fresh(session)
            intent = self._books.get("payment_intent", session.body["payment_intent"] or "")
            if intent is None or intent.body["status"] != "processing":
                raise StripeError("No bank debit is on its way for this session.", status=409)
            self._payments.end_debit(intent, outcome)
            if outcome == "succeeded":
                session.body["payment_status"] = "paid"
            self._books.save(session)
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
        self._books.save(session)
        self._publish(session, "completed")
        return session

    def _fresh(self, session: Record) -> Record:
        """Read ``session`` again, now that nobody else can change it."""
        return self._books.require("session", session.id)

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
