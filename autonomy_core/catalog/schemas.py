"""The JSON representation of products."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate

from autonomy_core.catalog.content.schemas import SaleSchema, WithExtras
from autonomy_core.catalog.domain import (
    ARTICLE_NUMBER,
    LONGEST_SLUG,
    LONGEST_TAG,
    SLUG,
    UUID_TEXT,
    State,
    distinct,
    is_article_number,
    tag_of,
)
from autonomy_core.fields import (
    Day,
    Identifier,
    LanguageTag,
    StrictBoolean,
    Text,
    Timestamp,
    WholeNumber,
)
from autonomy_core.images.schemas import ImageSchema
from autonomy_core.prices.schemas import (
    AMOUNT,
    IN_MINOR_UNIT,
    NewPrices,
    ShownPrices,
    WantedPrices,
)
from autonomy_core.web.schemas import ApiSchema

MOST_ITEMS = 100
"""The largest number of products in a bundle."""

MOST_CREDITS = 200
MOST_TAGS = 20
MOST_LANGUAGES = 10

LONGEST_TITLE = 200
LONGEST_NAME = 200
LONGEST_DESCRIPTION = 5000
SLUG_TEXT = validate.Regexp(
    rf"^{SLUG.pattern}\Z",
    error="A slug has lower-case ASCII letters, digits, and single hyphens between them.",
)
ARTICLE_NUMBER_TEXT = validate.Regexp(
    rf"^{ARTICLE_NUMBER.pattern}\Z", error="An EAN or UPC has 8, 12, 13 or 14 digits, and nothing else."
)
ON_SALE = "whether customers see and buy it, from `published_at` on"


def _no_id(text: str) -> None:
    if UUID_TEXT.fullmatch(text):
        raise ValidationError("A UUID is the id of a product, and cannot be its slug.")


def _check_digit(text: str) -> None:
    if ARTICLE_NUMBER.fullmatch(text) and not is_article_number(text):
        raise ValidationError("The last digit of an EAN or UPC is its check digit, which is another one.")


class Tag(Text):
    """A tag: a text in lower case, without a ``#`` and with single spaces."""

    def __init__(self, **options: Any) -> None:
        super().__init__(LONGEST_TAG, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        tag = tag_of(super()._deserialize(value, attr, data, **kwargs))
        if not tag:
            raise ValidationError("There is nothing to be read in it.")
        return tag


class DistinctList(fields.List):
    """A list in which repeated values count once."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        return distinct(super()._deserialize(value, attr, data, **kwargs))


class CreditSchema(ApiSchema):
    """A person or group that took part, and in which role."""

    role = Text(LONGEST_NAME, required=True, metadata={"example": "Mixing"})
    name = Text(LONGEST_NAME, required=True, metadata={"example": "Ada Lovelace"})


class ProductInBundleSchema(ApiSchema):
    """A product in a bundle."""

    id = fields.UUID(required=True)
    slug = fields.String(
        required=True,
        attribute="shown.slug",
        allow_none=True,
        metadata={"description": "the name in URLs; null for some minutes after an upgrade of the server"},
    )
    title = fields.String(required=True)
    artist = fields.String(required=True, attribute="shown.artist", allow_none=True)
    description = fields.String(required=True, metadata={"description": "Markdown"})
    kind = fields.String(required=True, metadata={"example": "mp3"})
    part_of = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "the product that it is a part of, such as the release of a track"},
    )
    amount = fields.Integer(required=True, metadata={"description": IN_MINOR_UNIT})
    currency = fields.String(
        required=True, metadata={"description": "ISO 4217, lower case", "example": "eur"}
    )
    available_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "the moment of the release, until which buyers get only instant tracks"},
    )
    cover = fields.Nested(ImageSchema, required=True)


class ProductSchema(ShownPrices, ProductInBundleSchema):
    """A product, for customers."""

    label = fields.String(required=True, attribute="shown.label", allow_none=True)
    release_date = Day(required=True, attribute="shown.release_date", allow_none=True)
    preorder = fields.Boolean(
        required=True,
        attribute="shown.preorder",
        metadata={"description": "whether it is sold before its `release_date`"},
    )
    tags = fields.List(fields.String(), required=True, attribute="shown.tags")
    languages = fields.List(
        fields.String(), required=True, attribute="shown.languages", metadata={"description": "BCP 47"}
    )
    explicit = fields.Boolean(required=True, attribute="shown.explicit")
    purchasable = fields.Boolean(
        required=True,
        metadata={
            "description": "whether customers can buy it now: it is published, has something to deliver, and "
            "is released or open for pre-orders"
        },
    )
    items = fields.List(
        fields.Nested(ProductInBundleSchema),
        required=True,
        metadata={"description": "the products of a bundle; empty for other products"},
    )


class ProductTextsSchema(ProductSchema):
    """A product with all that people read about it."""

    description_html = fields.String(
        required=True,
        metadata={"description": "the description as HTML without scripts, styles and pictures"},
    )
    credits = fields.List(fields.Nested(CreditSchema), required=True, attribute="shown.credits")
    upc = fields.String(
        required=True, attribute="shown.upc", allow_none=True, metadata={"description": "EAN or UPC"}
    )


class ListedFormatSchema(ApiSchema):
    """A format in which a buyer gets a track."""

    name = fields.String(required=True)
    title = fields.String(required=True, metadata={"description": "for people"})
    lossless = fields.Boolean(required=True)


class ListedTrackSchema(ApiSchema):
    """A track, for visitors."""

    id = fields.UUID(required=True)
    title = fields.String(required=True)
    artist = fields.String(required=True, allow_none=True)
    duration_ms = fields.Integer(required=True, metadata={"description": "milliseconds"})
    disc = fields.Integer(required=True, metadata={"description": "from 1"})
    number = fields.Integer(required=True, metadata={"description": "on the disc, from 1"})
    explicit = fields.Boolean(required=True)
    isrc = fields.String(required=True, allow_none=True)
    instant = fields.Boolean(
        required=True, metadata={"description": "whether buyers of a pre-order get it at once"}
    )
    preview_url = fields.Url(
        required=True,
        allow_none=True,
        metadata={"description": "plays in `<audio>`, for everybody; null if there is no preview"},
    )
    formats = fields.List(
        fields.Nested(ListedFormatSchema),
        required=True,
        metadata={"description": "what a buyer gets; the first is what the links without a format give"},
    )
    cover = fields.Nested(
        ImageSchema, required=True, metadata={"description": "its own, or that of the product"}
    )
    sale = fields.Nested(
        SaleSchema,
        required=True,
        allow_none=True,
        metadata={"description": "how the track is bought alone; null if it is not sold alone"},
    )


TRACKS = "the tracks that visitors see, in their order; empty for a product without"


def _formats() -> fields.List:
    description = (
        "in which a buyer gets the whole; the first is a good default. Empty if there is no such file"
    )
    return fields.List(
        fields.Nested(ListedFormatSchema), required=True, metadata={"description": description}
    )


class ItemDetailSchema(WithExtras, ProductInBundleSchema):
    """A product in a bundle, with its tracks."""

    tracks = fields.List(fields.Nested(ListedTrackSchema), required=True, metadata={"description": TRACKS})
    formats = _formats()


class ProductDetailSchema(WithExtras, ProductTextsSchema):
    """A product with its texts and tracks, for customers."""

    tracks = fields.List(fields.Nested(ListedTrackSchema), required=True, metadata={"description": TRACKS})
    formats = _formats()
    items = fields.List(
        fields.Nested(ItemDetailSchema),
        required=True,
        metadata={"description": "the products of a bundle; empty for other products"},
    )


class AdminProductSchema(ProductTextsSchema):
    """A product, for staff."""

    active = fields.Boolean(required=True, metadata={"description": ON_SALE})
    published_at = Timestamp(
        required=True,
        attribute="shown.published_at",
        allow_none=True,
        metadata={"description": "from when customers see it, if it is active; null for at once"},
    )
    state = fields.Enum(
        State,
        by_value=True,
        required=True,
        metadata={
            "description": "`draft`: not active; `scheduled`: active from `published_at` on; `published`; "
            "`archived`"
        },
    )
    archived_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "since when it is neither sold nor listed; its owners keep it"},
    )
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


def _item_ids() -> fields.List:
    return fields.List(
        Identifier(),
        validate=validate.Length(max=MOST_ITEMS),
        metadata={"description": "the products that a `bundle` consists of, in their order"},
    )


class DetailsSchema(ApiSchema):
    """What people read about a product. Absent members of a new product are empty."""

    slug = fields.String(
        validate=[validate.Length(max=LONGEST_SLUG), SLUG_TEXT, _no_id],
        metadata={
            "description": "the name in URLs, unique in the organisation, by default from the title; an old "
            "one leads to the present one",
            "example": "first-light",
        },
    )
    artist = Text(LONGEST_NAME, allow_none=True)
    label = Text(LONGEST_NAME, allow_none=True)
    release_date = Day(
        allow_none=True,
        metadata={"description": "begins at midnight in the organisation's time zone"},
    )
    preorder = StrictBoolean(metadata={"description": "whether it is sold before its `release_date`"})
    published_at = Timestamp(
        allow_none=True,
        metadata={"description": "from when customers see it, if it is active; null for at once"},
    )
    credits = fields.List(fields.Nested(CreditSchema), validate=validate.Length(max=MOST_CREDITS))
    tags = DistinctList(Tag(), validate=validate.Length(max=MOST_TAGS))
    upc = fields.String(
        allow_none=True,
        validate=[ARTICLE_NUMBER_TEXT, _check_digit],
        metadata={"description": "EAN or UPC with its check digit", "example": "4006381333931"},
    )
    languages = DistinctList(LanguageTag(), validate=validate.Length(max=MOST_LANGUAGES))
    explicit = StrictBoolean()


class NewProductSchema(NewPrices, DetailsSchema):
    """A new product."""

    title = Text(LONGEST_TITLE, required=True)
    description = Text(
        LONGEST_DESCRIPTION, lines=True, blank=True, load_default="", metadata={"description": "Markdown"}
    )
    kind = fields.String(
        required=True,
        validate=validate.Regexp(r"^[!-~]{1,50}\Z", error="1 to 50 visible ASCII characters."),
        metadata={
            "description": "which plugin delivers it, or `bundle`; it does not change",
            "example": "mp3",
        },
    )
    active = StrictBoolean(load_default=True, metadata={"description": ON_SALE})
    item_ids = _item_ids()


class ProductChangesSchema(WantedPrices, DetailsSchema):
    """The changes of a product; absent members stay as they are."""

    title = Text(LONGEST_TITLE)
    description = Text(LONGEST_DESCRIPTION, lines=True, blank=True, metadata={"description": "Markdown"})
    amount = WholeNumber(validate=AMOUNT, metadata={"description": IN_MINOR_UNIT})
    active = StrictBoolean(metadata={"description": ON_SALE})
    archived = StrictBoolean(
        metadata={
            "description": "whether it is archived: neither sold nor listed, whatever `active` is; its "
            "owners keep it"
        }
    )
    item_ids = _item_ids()
