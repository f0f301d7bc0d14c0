"""What goes over the wire: marshmallow fields and shapes that every answer shares."""

from __future__ import annotations

from datetime import UTC
from functools import cache
from typing import Any
from uuid import UUID

from marshmallow import EXCLUDE, RAISE, Schema, fields, validate
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

DEFAULT_LIMIT = 50
MAX_LIMIT = 100


class ApiSchema(Schema):
    """The base of the API's schemas: fields keep their order, unknown input is refused."""

    class Meta:
        # marshmallow's default; said here, it is said in the API's description as well.
        unknown = RAISE


class Timestamp(fields.AwareDateTime):
    """RFC 3339, in UTC, with a ``Z``."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        # The database answers in the time zone of its own.
        text = super()._serialize(value and value.astimezone(UTC), attr, obj, **kwargs)
        return text.replace("+00:00", "Z") if isinstance(text, str) else None


class Truth(fields.Boolean):
    """``true`` or ``false`` and nothing that resembles them: marshmallow would take ``"no"`` and ``0`` as well."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class WholeNumber(fields.Integer):
    """A number without a fraction. ``12.0`` is one, as in JSON Schema; ``"12"`` is a string."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str):
            raise self.make_error("invalid", input=value)
        if isinstance(value, float) and not value.is_integer():
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class PageQuery(ApiSchema):
    """Which part of a list is wanted."""

    class Meta:
        unknown = EXCLUDE

    limit = fields.Integer(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT),
        metadata={"description": "how many at most"},
    )
    cursor = fields.UUID(load_default=None, metadata={"description": "`next` of the answer before"})


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
