"""The queries of the lists of products."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from autonomy_core.catalog.domain import State
from autonomy_core.catalog.finding import NEWEST, SORTS, read_cursor
from autonomy_core.catalog.schemas import LONGEST_NAME, LONGEST_TITLE, Tag
from autonomy_core.fields import NumberInText, Text
from autonomy_core.prices.schemas import AMOUNT, IN_MINOR_UNIT, THREE_LETTERS, in_use
from autonomy_core.web.schemas import DEFAULT_LIMIT, MAX_LIMIT, QuerySchema


class ProductsQuery(QuerySchema):
    """What a list of products contains, and in which order."""

    limit = NumberInText(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT),
        metadata={"description": "how many at most"},
    )
    cursor = fields.String(
        load_default=None,
        validate=validate.Regexp(r"^[A-Za-z0-9_-]{1,2000}\Z", error="This is no `next` of a list."),
        metadata={"description": "`next` of the answer before, with the same `sort`"},
    )
    sort = fields.String(
        load_default=NEWEST,
        validate=validate.OneOf([NEWEST, *SORTS]),
        metadata={"description": "`-` begins with the largest value"},
    )
    q = Text(
        LONGEST_TITLE,
        load_default=None,
        metadata={
            "description": "words, or their beginnings, of title, artist, label, tags and titles of tracks"
        },
    )
    tag = Tag(load_default=None)
    artist = Text(LONGEST_NAME, load_default=None, metadata={"description": "the whole name"})
    min_price = NumberInText(load_default=None, validate=AMOUNT, metadata={"description": IN_MINOR_UNIT})
    max_price = NumberInText(load_default=None, validate=AMOUNT, metadata={"description": IN_MINOR_UNIT})
    currency = fields.String(
        load_default=None,
        validate=[THREE_LETTERS, in_use],
        metadata={"description": "with a price, by default the organisation's"},
    )

    @validates_schema
    def _cursor_of_sort(self, data: dict[str, Any], **_: Any) -> None:
        if data["cursor"] is not None:
            try:
                read_cursor(data["sort"], data["cursor"])
            except (ValueError, TypeError, RecursionError):
                raise ValidationError("This is no `next` of a list with this `sort`.", "cursor") from None


class AdminProductsQuery(ProductsQuery):
    """The same for all products."""

    archived = fields.String(
        load_default="false",
        validate=validate.OneOf(["false", "true"]),
        metadata={"description": "`true` lists the archived products instead of the others"},
    )
    state = fields.Enum(
        State,
        by_value=True,
        load_default=None,
        metadata={"description": "only products in this state, whatever `archived` is"},
    )
