"""What prices can be in: the currencies of ISO 4217 that are in use, as the package `iso4217` lists them."""

from __future__ import annotations

from iso4217 import Currency

# A code without a minor unit is a metal, a unit of account or a placeholder, such as xau, xdr and xxx.
EXPONENTS: dict[str, int] = {
    currency.code.lower(): currency.exponent for currency in Currency if currency.exponent is not None
}
"""How many decimal places each has, by ISO 4217: 2 for ``eur``, 0 for ``jpy``, 3 for ``kwd``."""

CURRENCIES = frozenset(EXPONENTS)
"""The codes, in lower case."""
