"""The calls about payment intents and charges (https://docs.stripe.com/api/payment_intents, …/charges)."""

from __future__ import annotations

from stripe_payments.simulator.api.call import Call, Document, equal, page
from stripe_payments.simulator.schemas import Created, Page, PaymentPage


class IntentPage(Page):
    """Which payment intents to list."""

    created = Created()


class ChargePage(PaymentPage):
    """Which charges to list."""


def list_intents(call: Call) -> Document:
    """Return payment intents."""
    return page(call, "payment_intent", "/v1/payment_intents", lambda intent: intent.body)


def retrieve_intent(call: Call) -> Document:
    """Return a payment intent."""
    return call.expanded(call.find("payment_intent", "payment_intent").body)


def list_charges(call: Call) -> Document:
    """Return charges, those of a payment intent if wanted."""
    wanted = equal(call, "payment_intent")
    return page(call, "charge", "/v1/charges", lambda charge: charge.body, wanted)


def retrieve_charge(call: Call) -> Document:
    """Return a charge."""
    return call.expanded(call.find("charge", "charge").body)
