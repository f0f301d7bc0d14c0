"""What prices can be in: the currencies of ISO 4217 that are in use, as the package `iso4217` lists them."""

from __future__ import annotations

from decimal import Decimal

from iso4217 import Currency

# A code without a minor unit is a metal, a unit of account or a placeholder, such as xau, xdr and xxx.
EXPONENTS: dict[str, int] = {
    currency.code.lower(): currency.exponent for currency in Currency if currency.exponent is not None
}
"""How many decimal places each has, by ISO 4217: 2 for ``eur``, 0 for ``jpy``, 3 for ``kwd``."""

CURRENCIES = frozenset(EXPONENTS)
"""The codes, in lower case."""


def in_major_unit(amount: int, currency: str) -> Decimal:
    """An amount as people write it: 1250 of ``eur`` is 12.50, of ``jpy`` 1250, of ``kwd`` 1.250.

    Args:
        amount: in the minor unit of the currency, as everywhere in the API.
        currency: ISO 4217, lower case.

    Raises:
        KeyError: there is no such currency.
    """
    return Decimal(amount).scaleb(-EXPONENTS[currency])
