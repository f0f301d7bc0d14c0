"""Currencies, for plugins: the known currencies and their decimal places."""

from __future__ import annotations

from autonomy_core.currencies import CURRENCIES, EXPONENTS, in_major_unit

__all__ = ["CURRENCIES", "EXPONENTS", "in_major_unit"]
