"""Base schemas of requests and answers, and pagination. `autonomy_core.fields` has the field types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from marshmallow import EXCLUDE, RAISE, Schema, fields, validate
from sqlalchemy import Select, Uuid, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from autonomy_core.fields import Identifier, NumberInText

DEFAULT_LIMIT = 50
"""The number of items of a page, if the client requests none."""

MAX_LIMIT = 100
"""The maximum number of items of a page."""


class ApiSchema(Schema):
    """The base class of the API's schemas: fields keep their order, unknown input is rejected."""

    class Meta:
        # This is marshmallow's default. Setting it explicitly adds it to the API description.
        unknown = RAISE


class QuerySchema(ApiSchema):
    """The base class of the schemas of queries."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Refuse null: a query has texts only, and a parameter that is left out has its default."""
        field_obj.allow_none = False


class OpenQuery(QuerySchema):
    """A query that ignores unknown parameters.

    Use it for URLs that are not only requested by clients of the API: pages, links in `<audio>`, a payment
    provider's return page. Web analytics, a mail program or a proxy may have added parameters, which the
    visitor cannot change.
    """

    class Meta:
        unknown = EXCLUDE


class PageQuery(QuerySchema):
    """The part of a list that the client requests."""

    limit = NumberInText(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT),
        metadata={"description": "how many at most"},
    )
    cursor = Identifier(load_default=None, metadata={"description": "`next` of the answer before"})


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """The schema of a page: ``{"items": [...], "next": cursor or null}``."""
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
    query: Mapping[str, Any],
) -> dict[str, Any]:
    """Select one page, newest first: ids sort by creation time.

    Args:
        session: the organisation's session.
        statement: selects the entities, without an order.
        key: the id column, which determines the order.
        query: the values that `PageQuery` loaded.
    """
    if query["cursor"] is not None:
        statement = statement.where(key < query["cursor"])
    return _page(session, statement.order_by(key.desc()), key, query["limit"])


def paginate_by_time(
    session: Session,
    statement: Select[Any],
    order: tuple[InstrumentedAttribute[datetime], InstrumentedAttribute[UUID]],
    query: Mapping[str, Any],
) -> dict[str, Any]:
    """Select one page, oldest first, of rows whose ids do not sort by creation time.

    Args:
        session: the organisation's session.
        statement: selects the entities, without an order.
        order: the columns of the creation time and the id.
        query: the values that `PageQuery` loaded.
    """
    at, key = order
    if query["cursor"] is not None:
        last = select(at).where(key == query["cursor"]).correlate(None).scalar_subquery()
        statement = statement.where(tuple_(at, key) > tuple_(last, literal(query["cursor"], Uuid())))
    return _page(session, statement.order_by(at, key), key, query["limit"])


def _page(
    session: Session, statement: Select[Any], key: InstrumentedAttribute[UUID], limit: int
) -> dict[str, Any]:
    rows = list(session.scalars(statement.limit(limit + 1)))
    items = rows[:limit]
    return {"items": items, "next": str(getattr(items[-1], key.key)) if len(rows) > limit else None}
