"""The calls of Stripe's checkout page, with which ``stripe trigger`` pays a session.

Stripe does not document them. Source of requests and responses: https://github.com/stripe/stripe-cli.
"""

from __future__ import annotations

from stripe_simulator import instruments
from stripe_simulator.api.call import Call, Document
from stripe_simulator.checkout import public
from stripe_simulator.errors import StripeError
from stripe_simulator.instruments import Card
from stripe_simulator.parameters import Integer, Parameters, Text
from stripe_simulator.payments import card_declined
from stripe_simulator.state import Record


class Confirm(Parameters):
    """The buyer's payment method, and the amount that the page showed, in minor units."""

    payment_method = Text(required=True)
    expected_amount = Integer(required=True)


def retrieve(call: Call) -> Document:
    """Return the page of a session, which has the session's members."""
    return public(_session(call))


def confirm(call: Call) -> Document | StripeError:
    """Pay a session. A bank debit is decided immediately."""
    session, wanted = _session(call), call.parameters
    if wanted["expected_amount"] != session.body["amount_total"]:
        raise StripeError(f"The amount is {session.body['amount_total']}.", param="expected_amount")
    method = call.own(
        "payment_method", wanted["payment_method"], "PaymentMethod", param="payment_method"
    ).body
    if method["type"] not in session.body["payment_method_types"]:
        raise StripeError(f"This session cannot be paid by {method['type']}.", param="payment_method")
    email, last4 = method["billing_details"]["email"], method[method["type"]]["last4"]
    if method["type"] == "card":
        return _by_card(call, session, email, instruments.card_ending(last4))
    session = call.simulator.checkout.pay_by_debit(session, email)
    return public(call.simulator.checkout.settle(session, instruments.account_ending(last4)))


def _by_card(call: Call, session: Record, email: str | None, card: Card) -> Document | StripeError:
    session = call.simulator.checkout.pay_by_card(session, email, card)
    intent = call.simulator.ledger.get("payment_intent", session.body["payment_intent"] or "")
    if intent and card.declined:
        return card_declined(intent)
    if intent:
        call.simulator.disputes.follow(intent, card)
    return public(session)


def _session(call: Call) -> Record:
    return call.find("session", "payment_page")
