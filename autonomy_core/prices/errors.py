"""The errors of prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from autonomy_core.errors import InvalidInput

_AMOUNT: Mapping[str, Any] = {"type": "integer"}
_CURRENCY: Mapping[str, Any] = {"type": "string"}


class PriceRefused(InvalidInput):
    """The organisation's payment provider does not accept this price."""

    code, title = "price_refused", "This price cannot be collected"


class PricesContradict(InvalidInput):
    """The prices of a product do not fit together, for example two in one currency."""

    code, title = "prices_contradict", "The prices of the product do not fit together"


class CurrencyNotOffered(InvalidInput):
    """The product has no price in this currency."""

    code, title = "currency_not_offered", "The product has no price in this currency"
    members: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "currencies": {"type": "array", "items": {"type": "string"}}
    }


class AmountTooSmall(InvalidInput):
    """The buyer may choose the amount, but not below the smallest."""

    code, title = "amount_too_small", "The amount is too small"
    members: ClassVar[Mapping[str, Mapping[str, Any]]] = {"minimum": _AMOUNT, "currency": _CURRENCY}


class PriceIsFixed(InvalidInput):
    """The buyer cannot choose the amount, and expects another one. The price may have changed meanwhile."""

    code, title = "price_is_fixed", "The product has another price"
    members: ClassVar[Mapping[str, Mapping[str, Any]]] = {"amount": _AMOUNT, "currency": _CURRENCY}


class AmountNotCollectable(InvalidInput):
    """The payment provider does not collect the amount that the buyer has chosen; 0 is free of charge."""

    code, title = "amount_not_collectable", "This amount cannot be collected"


PRICE_ERRORS = (PriceRefused, PricesContradict)
"""The errors of prices that staff set."""

WISH_ERRORS = (CurrencyNotOffered, AmountTooSmall, PriceIsFixed, AmountNotCollectable)
"""The errors of what a buyer wants to pay."""
