"""The JSON representation of prices."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields, validate

from autonomy_core.currencies import CURRENCIES
from autonomy_core.fields import StrictBoolean, WholeNumber
from autonomy_core.web.schemas import ApiSchema

MAX_AMOUNT = 99_999_999
"""In minor units; Stripe's largest charge in most currencies."""

MOST_PRICES = 50
"""The largest number of further currencies of a product."""

_THREE_LETTERS = r"^[a-z]{3}\Z"
THREE_LETTERS = validate.Regexp(
    _THREE_LETTERS, error="Write the three letters of ISO 4217 in lower case, such as eur."
)
AMOUNT = validate.Range(0, MAX_AMOUNT)
IN_MINOR_UNIT = "in the minor unit of the currency: 500 is 5.00 euros, and 500 yen"
OPEN = "whether buyers choose the amount: `amount` is the smallest then, in each currency"
SUGGESTED = "an amount that the shop suggests to buyers who choose; null for no suggestion"
OTHERS = "the prices in further currencies, by currency"


def in_use(currency: str) -> None:
    """Validate a currency code of three letters."""
    if re.match(_THREE_LETTERS, currency) and currency not in CURRENCIES:
        raise ValidationError("This is no currency of ISO 4217 that is in use.")


def _suggested(**options: Any) -> WholeNumber:
    return WholeNumber(allow_none=True, validate=AMOUNT, metadata={"description": SUGGESTED}, **options)


class PriceSchema(ApiSchema):
    """A price in one currency."""

    currency = fields.String(required=True, metadata={"description": "ISO 4217, lower case"})
    amount = fields.Integer(required=True, metadata={"description": IN_MINOR_UNIT})
    suggested_amount = fields.Integer(required=True, allow_none=True, metadata={"description": SUGGESTED})


class NewPriceSchema(ApiSchema):
    """A new price in one currency."""

    currency = fields.String(
        required=True,
        validate=[THREE_LETTERS, in_use],
        metadata={"description": "ISO 4217, lower case", "example": "usd"},
    )
    amount = WholeNumber(required=True, validate=AMOUNT, metadata={"description": IN_MINOR_UNIT})
    suggested_amount = _suggested(load_default=None)


class ShownPrices(ApiSchema):
    """The prices of a product beyond its ``amount``."""

    pay_what_you_want = fields.Boolean(required=True, metadata={"description": OPEN})
    suggested_amount = fields.Integer(required=True, allow_none=True, metadata={"description": SUGGESTED})
    other_prices = fields.List(fields.Nested(PriceSchema), required=True, metadata={"description": OTHERS})


class WantedPrices(ApiSchema):
    """The prices of a product beyond its ``amount``, as staff set them."""

    pay_what_you_want = StrictBoolean(metadata={"description": OPEN})
    suggested_amount = _suggested()
    other_prices = fields.List(
        fields.Nested(NewPriceSchema),
        validate=validate.Length(max=MOST_PRICES),
        metadata={"description": f"{OTHERS}; they replace the prices before"},
    )


class NewPrices(WantedPrices):
    """The prices of a new product."""

    amount = WholeNumber(required=True, validate=AMOUNT, metadata={"description": IN_MINOR_UNIT})
    currency = fields.String(
        validate=[THREE_LETTERS, in_use],
        metadata={
            "description": "ISO 4217, lower case; the organisation's if absent. It does not change",
            "example": "eur",
        },
    )


class WishSchema(ApiSchema):
    """What a buyer wants to pay."""

    amount = WholeNumber(
        validate=AMOUNT,
        metadata={
            "description": "before a coupon, in the minor unit of the currency; by default the price. Buyers "
            "choose it for a product with `pay_what_you_want`; for others, it has to be the price"
        },
    )
    currency = fields.String(
        validate=[THREE_LETTERS, in_use],
        metadata={
            "description": "one in which the product has a price; by default its own",
            "example": "usd",
        },
    )
