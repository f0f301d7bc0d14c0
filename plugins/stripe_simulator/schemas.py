"""Parameters that several calls share. A schema refuses undeclared parameters."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from stripe_simulator.parameters import INTEGER, Array, Email, Integer, Name, Object, Parameters, Text
from stripe_simulator.state import Condition, Operator

RANGE: dict[str, Operator] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def one_of(*choices: str) -> validate.OneOf:
    """Return a validator that a value is one of ``choices``."""
    return validate.OneOf(choices, error=f"$param must be one of: {', '.join(choices)}.")


def between(smallest: int, largest: int) -> validate.Range:
    """Return a validator that a number is in a range, including its ends."""
    return validate.Range(smallest, largest, error=f"$param must be from {smallest} to {largest}.")


class Created(fields.Field[list[Condition]]):
    """The creation time in seconds since 1970: ``created=N``, or ``created[gte]=N`` and similar."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Condition]:
        bounds = value if isinstance(value, dict) else {"": value}
        if isinstance(value, dict) and (unknown := set(bounds) - set(RANGE)):
            raise ValidationError({unknown.pop(): ["parameter_unknown"]})
        wrong = {
            name: ["parameter_invalid_integer"]
            for name, bound in bounds.items()
            if not isinstance(bound, str) or not INTEGER.match(bound)
        }
        if wrong:
            raise ValidationError(wrong if isinstance(value, dict) else wrong[""])
        return [Condition("created", RANGE.get(name, "="), int(bound)) for name, bound in bounds.items()]


class Retrieve(Parameters):
    """``expand`` names the references to return as complete objects."""

    expand = Array(Text())


class Nothing(Parameters):
    """A call without parameters."""


class Address(Parameters):
    """A postal address."""

    city = Text(load_default=None)
    country = Text(
        load_default=None, validate=validate.Regexp(r"\A[A-Z]{2}\Z", error="$param is not a country.")
    )
    line1 = Text(load_default=None)
    line2 = Text(load_default=None)
    postal_code = Text(load_default=None)
    state = Text(load_default=None)


class Shipping(Parameters):
    """A shipping address."""

    name = Name(required=True)
    address = Object(Address, required=True)
    phone = Text(load_default=None)


class BillingDetails(Parameters):
    """The payer's details."""

    name = Name(load_default=None)
    email = Email(load_default=None)
    phone = Text(load_default=None)
    address = Object(Address, load_default=lambda: Address().load({}))


class Page(Parameters):
    """The page of a list. ``expand`` names references below ``data``, such as ``data.charge``."""

    limit = Integer(load_default=10, validate=between(1, 100))
    starting_after = Text()
    ending_before = Text()
    expand = Array(Text())

    @validates_schema
    def one_direction(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse both cursors together."""
        if "starting_after" in data and "ending_before" in data:
            raise ValidationError("$param cannot be combined with starting_after.", "ending_before")


class PaymentPage(Page):
    """Filters of lists of objects that belong to payments."""

    payment_intent = Text()
    created = Created()
