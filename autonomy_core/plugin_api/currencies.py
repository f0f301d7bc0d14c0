"""Currencies, for plugins: which there are, and how many decimal places their amounts have."""

from __future__ import annotations

from autonomy_core.currencies import CURRENCIES, EXPONENTS, in_major_unit

__all__ = ["CURRENCIES", "EXPONENTS", "in_major_unit"]
