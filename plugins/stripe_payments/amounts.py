"""Amounts as Stripe counts them: the currency's minor unit, with the exceptions in one table.

Source: https://docs.stripe.com/currencies#special-cases and
https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Rule:
    """How Stripe counts a currency.

    Attributes:
        units: of Stripe's in one minor unit of ISO 4217.
        step: Stripe's amount is a multiple of it.
        minimum: the least that is collected, in the minor unit.
    """

    units: Fraction = Fraction(1)
    step: int = 1
    minimum: int = 1


ORDINARY = Rule()
"""Of a currency that is not in the table. Stripe converts its own minimum then, at a rate of the day."""

RULES = {
    # No decimals, sent as if it had two, which must be 00.
    "isk": Rule(units=Fraction(100)),
    "ugx": Rule(units=Fraction(100)),
    # ISO 4217 gives it two decimals, Stripe none.
    "mga": Rule(units=Fraction(1, 100)),
    # Three decimals, of which the last must be 0.
    **dict.fromkeys(("bhd", "iqd", "jod", "kwd", "omr", "tnd"), Rule(step=10)),
    **{
        currency: Rule(minimum=minimum)
        for minimum, currencies in {
            30: "gbp",
            50: "aud brl cad chf eur inr jpy nzd sgd usd",
            100: "bgn",
            200: "aed myr pln ron",
            250: "dkk",
            300: "nok sek",
            400: "hkd",
            1000: "mxn thb",
            1500: "czk",
            17500: "huf",
        }.items()
        for currency in currencies.split()
    },
}
"""By currency, what is not ordinary."""


class InexactAmount(ValueError):
    """An amount that is no whole number of units on the other side."""


def to_stripe(amount: int, currency: str) -> int:
    """What Stripe is to be told.

    Args:
        amount: in the minor unit of the currency by ISO 4217.
        currency: ISO 4217, lower case.

    Raises:
        InexactAmount: Stripe cannot collect it.
    """
    rule = rule_of(currency)
    counted = _whole(amount * rule.units, currency)
    if counted % rule.step:
        raise InexactAmount(f"{counted} {currency} is no multiple of {rule.step}")
    return counted


def from_stripe(amount: int, currency: str) -> int:
    """What Stripe's amount is in the minor unit of the currency.

    Raises:
        InexactAmount: it is no whole number of minor units.
    """
    units = rule_of(currency).units
    return amount if units == 1 else _whole(amount / units, currency)


def minimum(currency: str) -> int:
    """The least that Stripe collects, in the minor unit of the currency."""
    return rule_of(currency).minimum


def rule_of(currency: str) -> Rule:
    """How Stripe counts a currency."""
    return RULES.get(currency, ORDINARY)


def _whole(amount: Fraction, currency: str) -> int:
    if amount.denominator != 1:
        raise InexactAmount(f"{amount} {currency} is no whole number of units")
    return amount.numerator
