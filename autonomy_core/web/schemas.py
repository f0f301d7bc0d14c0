"""Shapes that every answer shares, and pages of a list; `autonomy_core.fields` has the types of the fields."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from marshmallow import EXCLUDE, RAISE, Schema, fields, validate
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from autonomy_core.fields import Identifier, NumberInText, Text, Timestamp, Truth, WholeNumber

__all__ = [
    "DEFAULT_LIMIT",
    "MAX_LIMIT",
    "ApiSchema",
    "Identifier",
    "NumberInText",
    "OpenQuery",
    "PageQuery",
    "Text",
    "Timestamp",
    "Truth",
    "WholeNumber",
    "page_of",
    "paginate",
]

DEFAULT_LIMIT = 50
"""How many items a page has where none are asked for."""

MAX_LIMIT = 100
"""How many items a page can have."""


class ApiSchema(Schema):
    """The base of the API's schemas: fields keep their order, unknown input is refused."""

    class Meta:
        # marshmallow's default; said here, it is said in the API's description as well.
        unknown = RAISE


class OpenQuery(ApiSchema):
    """A query in which what is not known is overlooked.

    For addresses that others than a client's author complete or follow: pages, links in `<audio>`, a payment provider's way
    back. A counter of visits, a mail program or a proxy may have appended something, and nobody who follows the link can
    help it.
    """

    class Meta:
        unknown = EXCLUDE


class PageQuery(ApiSchema):
    """Which part of a list is wanted."""

    limit = NumberInText(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT),
        metadata={"description": "how many at most"},
    )
    cursor = Identifier(
        load_default=None, allow_none=False, metadata={"description": "`next` of the answer before"}
    )


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """The schema of a list: ``{"items": [...], "next": cursor or null}``."""
    members: dict[str, Any] = {
        "items": fields.List(fields.Nested(item), required=True),
        "next": fields.String(
            required=True, allow_none=True, metadata={"description": "the `cursor` of the items after these"}
        ),
    }
    return ApiSchema.from_dict(members, name=f"{item.__name__.removesuffix('Schema')}Page")


def paginate(
    session: Session,
    statement: Select[Any],
    key: InstrumentedAttribute[UUID],
    query: dict[str, Any],
) -> dict[str, Any]:
    """One page, newest first: ids sort by the time they were made.

    Args:
        session: the organisation's session.
        statement: selects the entities, unordered.
        key: the id by which they are ordered.
        query: what `PageQuery` loaded.
    """
    limit: int = query["limit"]
    if query["cursor"] is not None:
        statement = statement.where(key < query["cursor"])
    rows = list(session.scalars(statement.order_by(key.desc()).limit(limit + 1)))
    items = rows[:limit]
    return {"items": items, "next": str(getattr(items[-1], key.key)) if len(rows) > limit else None}
