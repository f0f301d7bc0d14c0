"""The calls about refunds (https://docs.stripe.com/api/refunds)."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates_schema

from stripe_simulator.api.call import Call, Document, equal, merged, page
from stripe_simulator.parameters import Array, Email, Integer, Metadata, Parameters, Text
from stripe_simulator.refunds import refunded_charge
from stripe_simulator.schemas import PaymentPage, between, one_of
from stripe_simulator.state import Condition, Kind

REASONS = ("duplicate", "fraudulent", "requested_by_customer")
LARGEST_AMOUNT = 99_999_999


class RefundCreate(Parameters):
    """A refund of a payment intent's charge, in whole or in part."""

    charge = Text()
    payment_intent = Text()
    amount = Integer(validate=between(1, LARGEST_AMOUNT))
    reason = Text(validate=one_of(*REASONS))
    metadata = Metadata(load_default=dict)
    instructions_email = Email()
    expand = Array(Text())

    @validates_schema
    def of_one_payment(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse a refund without a payment, or with two."""
        named = {"charge", "payment_intent"} & set(data)
        if not named:
            raise ValidationError("parameter_missing", "payment_intent")
        if len(named) > 1:
            raise ValidationError("Give $param or payment_intent, not both.", "charge")


class RefundUpdate(Parameters):
    """Changes of a refund."""

    metadata = Metadata()
    expand = Array(Text())


class RefundPage(PaymentPage):
    """The filters of a list of refunds or disputes."""

    charge = Text()


def create(call: Call) -> Document:
    """Refund a payment."""
    wanted = call.parameters
    charge = refunded_charge(call.simulator.ledger, call.account, wanted)
    chosen = {name: wanted[name] for name in ("reason", "metadata", "instructions_email") if name in wanted}
    refund = call.simulator.refunds.create(charge, wanted.get("amount"), cause=call.cause, **chosen)
    return call.expanded(refund.body)


def retrieve(call: Call) -> Document:
    """Return a refund."""
    return call.expanded(call.find("refund", "refund").body)


def list_all(call: Call) -> Document:
    """Return refunds, optionally of a payment intent or a charge."""
    return page(call, "refund", "/v1/refunds", lambda refund: refund.body, of_payment(call))


def of_payment(call: Call) -> list[Condition]:
    """Return the filters by payment; raises StripeError (404) for an unknown one."""
    named: tuple[Kind, ...] = ("payment_intent", "charge")
    for name in named:
        if name in call.parameters:
            call.own(name, call.parameters[name], name, param=name)
    return equal(call, *named)


def update(call: Call) -> Document:
    """Change a refund's metadata."""
    refund = call.find("refund", "refund")
    if "metadata" in call.parameters:
        metadata = merged(refund.body["metadata"], call.parameters["metadata"])
        refund = call.simulator.refunds.update(refund, metadata, call.cause)
    return call.expanded(refund.body)


def cancel(call: Call) -> Document:
    """Cancel a refund that waits for an action of the customer."""
    return call.expanded(call.simulator.refunds.cancel(call.find("refund", "refund"), call.cause).body)
