"""The currencies of prices: the active currencies of ISO 4217, from the package `iso4217`."""

from __future__ import annotations

from decimal import Decimal

from iso4217 import Currency

# Codes without a minor unit are metals, units of account or placeholders, such as xau, xdr and xxx.
EXPONENTS: dict[str, int] = {
    currency.code.lower(): currency.exponent for currency in Currency if currency.exponent is not None
}
"""The number of decimal places by currency, from ISO 4217: 2 for ``eur``, 0 for ``jpy``, 3 for ``kwd``."""

CURRENCIES = frozenset(EXPONENTS)
"""The codes, in lower case."""


def in_major_unit(amount: int, currency: str) -> Decimal:
    """Convert an amount to the major unit: 1250 is 12.50 in ``eur``, 1250 in ``jpy`` and 1.250 in ``kwd``.

    Args:
        amount: in the minor unit of the currency, as everywhere in the API.
        currency: an ISO 4217 code in lower case.

    Raises:
        KeyError: the currency is unknown.
    """
    return Decimal(amount).scaleb(-EXPONENTS[currency])
