"""The call about payment methods, for test cards and test accounts only.

Source: https://docs.stripe.com/api/payment_methods.
"""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates_schema

from stripe_simulator import instruments, objects
from stripe_simulator.api.call import Call, Document
from stripe_simulator.errors import StripeError
from stripe_simulator.parameters import Object, Parameters, Text
from stripe_simulator.schemas import BillingDetails, one_of


class CardData(Parameters):
    """A card, given by its token."""

    token = Text(required=True)


class DebitData(Parameters):
    """A bank account."""

    iban = Text(required=True)


class PaymentMethodCreate(Parameters):
    """A new payment method. The object named by ``type`` contains its details."""

    type = Text(required=True, validate=one_of("card", "sepa_debit"))
    card = Object(CardData)
    sepa_debit = Object(DebitData)
    billing_details = Object(BillingDetails, load_default=lambda: BillingDetails().load({}))

    @validates_schema
    def of_its_type(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse a payment method without the object of its type, or with another type's."""
        if data["type"] not in data:
            raise ValidationError("parameter_missing", data["type"])
        other = "card" if data["type"] == "sepa_debit" else "sepa_debit"
        if other in data:
            raise ValidationError(f"$param does not go with type {data['type']}.", other)


def create(call: Call) -> Document:
    """Create a payment method."""
    wanted = call.parameters
    details = _card(wanted["card"]) if wanted["type"] == "card" else _debit(wanted["sepa_debit"])
    body = objects.payment_method(wanted["type"], details, wanted["billing_details"])
    return call.simulator.ledger.put("payment_method", body["id"], call.account, body).body


def _card(data: dict[str, str]) -> Document:
    card = instruments.named_card(data["token"])
    if card is None:
        raise StripeError(f"No such token: '{data['token']}'", code="resource_missing", param="card[token]")
    details: Document = instruments.card_details(card)["card"]
    return {name: value for name, value in details.items() if name != "network"}


def _debit(data: dict[str, str]) -> Document:
    instruments.debit_outcome(data["iban"])
    compact = data["iban"].replace(" ", "").upper()
    return {"country": compact[:2], "last4": compact[-4:]}
