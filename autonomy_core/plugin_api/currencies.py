"""Currencies, for plugins: which there are, and how many decimal places their amounts have."""

from __future__ import annotations

from decimal import Decimal

from autonomy_core.currencies import CURRENCIES, EXPONENTS

__all__ = ["CURRENCIES", "EXPONENTS", "in_major_unit"]


def in_major_unit(amount: int, currency: str) -> Decimal:
    """An amount as people write it: 1250 of ``eur`` is 12.50, of ``jpy`` 1250, of ``kwd`` 1.250.

    Args:
        amount: in the minor unit of the currency, as everywhere in the API.
        currency: ISO 4217, lower case.

    Raises:
        KeyError: there is no such currency.
    """
    return Decimal(amount).scaleb(-EXPONENTS[currency])
