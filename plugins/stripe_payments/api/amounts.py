"""The currencies that Stripe accepts, and how it counts amounts.

It counts in the minor unit. One table contains the exceptions.

Source, as of 2026-11-29: https://docs.stripe.com/currencies#presentment-currencies,
https://docs.stripe.com/currencies#special-cases and
https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts. An account may accept fewer currencies,
depending on its country: ``autonomy tenants check --online`` asks Stripe.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Rule:
    """How Stripe counts a currency.

    Attributes:
        units: Stripe's units in one minor unit of ISO 4217.
        step: Stripe's amount must be a multiple of it.
        minimum: the smallest charge, in the minor unit.
    """

    units: Fraction = Fraction(1)
    step: int = 1
    minimum: int = 1


TAKEN = frozenset(
    re.findall(
        r"\w+",
        """
        aed afn all amd aoa ars aud awg azn bam bbd bdt bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf
        clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg
        huf idr ils inr iqd isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga
        mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar
        ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd szl thb tjs tnd top try ttd twd tzs uah ugx usd
        uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw
        """,
    )
)
"""The currencies that Stripe accepts, out of those of ISO 4217 that are in use."""

LARGEST = 99_999_999
"""The largest charge in Stripe's units: at most eight digits."""

ORDINARY = Rule()
"""The rule of a currency that is not in `RULES`. Stripe converts its own minimum, at a rate of the day."""

RULES = {
    # No decimals, but sent with two decimals, which must be 00.
    "isk": Rule(units=Fraction(100)),
    "ugx": Rule(units=Fraction(100)),
    # ISO 4217 has two decimals, Stripe none.
    "mga": Rule(units=Fraction(1, 100)),
    # Three decimals; the last one must be 0.
    **dict.fromkeys(("bhd", "iqd", "jod", "kwd", "omr", "tnd"), Rule(step=10)),
    **{
        currency: Rule(minimum=minimum)
        for minimum, currencies in {
            30: "gbp",
            50: "aud brl cad chf eur inr jpy nzd sgd usd",
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
"""The exceptions, by currency."""


class InexactAmount(ValueError):
    """The converted amount is not a whole number of units."""


class CurrencyNotTaken(ValueError):
    """Stripe does not accept the currency."""


def to_stripe(amount: int, currency: str) -> int:
    """Convert an amount to Stripe's units.

    Args:
        amount: in the minor unit of the currency by ISO 4217.
        currency: ISO 4217, lower case.

    Raises:
        InexactAmount: Stripe cannot collect it.
    """
    rule = rule_of(currency)
    counted = _whole(amount * rule.units, currency)
    if counted % rule.step:
        raise InexactAmount(f"{counted} {currency} is not a multiple of {rule.step}")
    return counted


def from_stripe(amount: int, currency: str) -> int:
    """Convert Stripe's amount to the minor unit of the currency.

    Raises:
        InexactAmount: it is not a whole number of minor units.
    """
    units = rule_of(currency).units
    return amount if units == 1 else _whole(amount / units, currency)


def require_taken(currency: str) -> None:
    """Check that Stripe accepts a currency.

    Args:
        currency: ISO 4217, lower case.

    Raises:
        CurrencyNotTaken: it does not.
    """
    if currency not in TAKEN:
        raise CurrencyNotTaken(f"Stripe does not take {currency}")


def minimum(currency: str) -> int:
    """Return the smallest charge, in the minor unit of the currency."""
    return rule_of(currency).minimum


def rule_of(currency: str) -> Rule:
    """Return how Stripe counts a currency."""
    return RULES.get(currency, ORDINARY)


def _whole(amount: Fraction, currency: str) -> int:
    if amount.denominator != 1:
        raise InexactAmount(f"{amount} {currency} is no whole number of units")
    return amount.numerator
