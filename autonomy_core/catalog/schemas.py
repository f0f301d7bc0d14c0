"""Products on the wire."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate

from autonomy_core.currencies import CURRENCIES
from autonomy_core.fields import Identifier, Text, Timestamp, Truth, WholeNumber
from autonomy_core.web.schemas import ApiSchema, PageQuery

MAX_AMOUNT = 99_999_999
"""In minor units; Stripe's largest charge in most currencies."""

MOST_ITEMS = 100
"""In a bundle."""

LONGEST_TITLE = 200
LONGEST_DESCRIPTION = 5000
THREE_LETTERS = validate.Regexp(r"^[a-z]{3}\Z", error="Three lower-case letters.")
AMOUNT = validate.Range(0, MAX_AMOUNT)
IN_MINOR_UNIT = "in the minor unit of the currency: 500 is 5.00 euros, and 500 yen"
ON_SALE = "whether customers see and buy it"


def in_use(currency: str) -> None:
    """Validate a code of a currency."""
    if currency not in CURRENCIES:
        raise ValidationError("This is no currency of ISO 4217 that is in use.")


class ProductInBundleSchema(ApiSchema):
    """A product that is in a bundle."""

    id = fields.UUID(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    kind = fields.String(required=True, metadata={"example": "mp3"})
    amount = fields.Integer(required=True, metadata={"description": IN_MINOR_UNIT})
    currency = fields.String(
        required=True, metadata={"description": "ISO 4217, lower case", "example": "eur"}
    )


class ProductSchema(ProductInBundleSchema):
    """A product as customers see it."""

    items = fields.List(
        fields.Nested(ProductInBundleSchema),
        required=True,
        metadata={"description": "what a bundle consists of; of any other product nothing"},
    )


class AdminProductSchema(ProductSchema):
    """A product as staff see it."""

    active = fields.Boolean(required=True, metadata={"description": ON_SALE})
    purchasable = fields.Boolean(
        required=True,
        metadata={
            "description": "whether customers can buy it now: it is on sale, is not archived, and has something to deliver"
        },
    )
    archived_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "since when it is neither sold nor listed; who owns it keeps it"},
    )
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class AdminPageQuery(PageQuery):
    """Which part of the list of all products is wanted."""

    archived = fields.String(
        load_default="false",
        validate=validate.OneOf(["false", "true"]),
        metadata={"description": "`true` lists the archived products instead of the others"},
    )


def _item_ids() -> fields.List:
    return fields.List(
        Identifier(),
        validate=validate.Length(max=MOST_ITEMS),
        metadata={"description": "the products that a `bundle` consists of, in their order"},
    )


class NewProductSchema(ApiSchema):
    """A product to be made."""

    title = Text(LONGEST_TITLE, required=True)
    description = Text(LONGEST_DESCRIPTION, lines=True, blank=True, load_default="")
    kind = fields.String(
        required=True,
        validate=validate.Regexp(r"^[!-~]{1,50}\Z", error="1 to 50 visible ASCII characters."),
        metadata={
            "description": "which plugin delivers it, or `bundle`; it does not change",
            "example": "mp3",
        },
    )
    amount = WholeNumber(required=True, validate=AMOUNT, metadata={"description": IN_MINOR_UNIT})
    currency = fields.String(
        validate=[THREE_LETTERS, in_use],
        metadata={
            "description": "ISO 4217, lower case; the organisation's if absent. It does not change",
            "example": "eur",
        },
    )
    active = Truth(load_default=True, metadata={"description": ON_SALE})
    item_ids = _item_ids()


class ProductChangesSchema(ApiSchema):
    """What is to be changed about a product; what is absent stays."""

    title = Text(LONGEST_TITLE)
    description = Text(LONGEST_DESCRIPTION, lines=True, blank=True)
    amount = WholeNumber(validate=AMOUNT, metadata={"description": IN_MINOR_UNIT})
    active = Truth(metadata={"description": ON_SALE})
    archived = Truth(
        metadata={
            "description": "whether it is put away: neither sold nor listed, whatever `active` says; who owns it keeps it"
        }
    )
    item_ids = _item_ids()
