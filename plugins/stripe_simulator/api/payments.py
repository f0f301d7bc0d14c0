"""The calls about payment intents and charges (https://docs.stripe.com/api/payment_intents, …/charges)."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates

from stripe_simulator import currencies, instruments
from stripe_simulator.api.call import Call, Document, equal, page
from stripe_simulator.api.catalog import KNOWN_CURRENCY, LARGEST_AMOUNT
from stripe_simulator.errors import StripeError, resource_missing
from stripe_simulator.parameters import Array, Boolean, Email, Integer, Metadata, Object, Parameters, Text
from stripe_simulator.payments import card_declined
from stripe_simulator.schemas import Created, Page, PaymentPage, Shipping, between, one_of


class IntentCreate(Parameters):
    """A payment intent that is paid with a test card when it is created; other flows are not simulated."""

    removed_by_endive = {"payment_method_types": "payment_method_types_no_longer_supported"}

    amount = Integer(required=True, validate=between(1, LARGEST_AMOUNT))
    currency = Text(required=True, validate=KNOWN_CURRENCY)
    confirm = Boolean(required=True)
    payment_method = Text(required=True)
    payment_method_types = Array(Text(validate=one_of("card")), load_default=lambda: ["card"])
    description = Text(longest=1000, load_default=None)
    metadata = Metadata(load_default=dict)
    receipt_email = Email(load_default=None)
    setup_future_usage = Text(load_default=None, validate=one_of("off_session", "on_session"))
    shipping = Object(Shipping, load_default=None)
    statement_descriptor = Text(longest=22, load_default=None)
    expand = Array(Text())

    @validates("confirm")
    def must_be_confirmed(self, value: bool, **kwargs: Any) -> None:  # noqa: FBT001 - marshmallow calls it
        """Refuse to create it without confirming it."""
        if not value:
            raise ValidationError(
                "$param must be true: the simulator confirms a payment intent when it is created."
            )


class IntentPage(Page):
    """The filters of a list of payment intents."""

    created = Created()


class ChargePage(PaymentPage):
    """The filters of a list of charges."""


def create_intent(call: Call) -> Document | StripeError:
    """Create a payment intent and pay it."""
    wanted = call.parameters
    currencies.check_total(wanted["amount"], wanted["currency"], param="amount")
    card = instruments.named_card(wanted["payment_method"])
    if card is None:
        raise resource_missing("PaymentMethod", wanted["payment_method"], param="payment_method")
    payments = call.simulator.payments
    intent = payments.open(
        call.account, wanted["amount"], wanted["currency"], wanted["payment_method_types"], wanted
    )
    payments.pay_by_card(intent, card, wanted["receipt_email"])
    if card.declined:
        return card_declined(intent)
    call.simulator.disputes.follow(intent, card)
    return call.expanded(intent.body)


def list_intents(call: Call) -> Document:
    """Return payment intents."""
    return page(call, "payment_intent", "/v1/payment_intents", lambda intent: intent.body)


def retrieve_intent(call: Call) -> Document:
    """Return a payment intent."""
    return call.expanded(call.find("payment_intent", "payment_intent").body)


def list_charges(call: Call) -> Document:
    """Return charges, optionally of a payment intent."""
    wanted = equal(call, "payment_intent")
    return page(call, "charge", "/v1/charges", lambda charge: charge.body, wanted)


def retrieve_charge(call: Call) -> Document:
    """Return a charge."""
    return call.expanded(call.find("charge", "charge").body)
