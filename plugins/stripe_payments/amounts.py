"""Amounts as Stripe counts them: the currency's minor unit, with the exceptions in one table.

Source: https://docs.stripe.com/currencies#special-cases.
"""

from __future__ import annotations

from fractions import Fraction

STRIPE_UNITS_PER_MINOR_UNIT = {
    "isk": Fraction(100),  # no decimals, sent as if it had two
    "ugx": Fraction(100),
    "mga": Fraction(1, 100),  # ISO 4217 gives it two decimals, Stripe none
}


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
    return _whole(amount * STRIPE_UNITS_PER_MINOR_UNIT.get(currency, Fraction(1)), currency)


def from_stripe(amount: int, currency: str) -> int:
    """What Stripe's amount is in the minor unit of the currency.

    Raises:
        InexactAmount: it is no whole number of minor units.
    """
    return _whole(amount / STRIPE_UNITS_PER_MINOR_UNIT.get(currency, Fraction(1)), currency)


def _whole(amount: Fraction, currency: str) -> int:
    if amount.denominator != 1:
        raise InexactAmount(f"{amount} {currency} is no whole number of units")
    return amount.numerator
