"""The amounts that Stripe accepts (https://docs.stripe.com/currencies).

The server has its own table. This table is separate, so that the simulator detects errors in the server's.
"""

from __future__ import annotations

from stripe_simulator.errors import StripeError


def codes(text: str) -> frozenset[str]:
    """Return the currency codes in ``text``."""
    return frozenset(text.split())


ZERO_DECIMAL = codes("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
THREE_DECIMAL = codes("bhd iqd jod kwd omr tnd")
WHOLE_UNITS_ONLY = codes("isk ugx")
"""Currencies with two decimals that must be 00."""

TWO_DECIMAL = codes(
    """
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bmd bnd bob brl bsd bwp byn bzd cad cdf
    chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf
    idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn
    myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp
    sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu uzs wst xcd xcg yer zar zmw
    """
)
SUPPORTED = ZERO_DECIMAL | THREE_DECIMAL | WHOLE_UNITS_ONLY | TWO_DECIMAL

MINIMUMS = {
    "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
    "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
"""The smallest total in minor units. For other currencies Stripe converts; the simulator has no rates."""


def unit_step(currency: str) -> int:
    """Return the number of minor units that an amount in ``currency`` must be a multiple of."""
    if currency in THREE_DECIMAL:
        return 10
    return 100 if currency in WHOLE_UNITS_ONLY else 1


def check_total(amount: int, currency: str, param: str = "line_items") -> None:
    """Refuse a total (minor units) that Stripe would not charge, with ``param``; 0 is free and allowed."""
    minimum = MINIMUMS.get(currency, 1)
    if 0 < amount < minimum:
        raise StripeError(
            f"The total must be 0 or at least {display(minimum, currency)}; it is "
            f"{display(amount, currency)}.",
            code="amount_too_small",
            param=param,
        )


def decimals(currency: str) -> int:
    """Return the number of decimals of a currency."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def display(amount: int, currency: str) -> str:
    """Format an amount in minor units for people, such as ``9.99 EUR``."""
    digits = decimals(currency)
    return f"{amount / 10**digits:.{digits}f} {currency.upper()}"
