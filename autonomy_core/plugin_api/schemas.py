"""What goes over the wire: marshmallow fields and shapes that every answer shares.

marshmallow's own fields take more than they describe: its `Integer` takes ``"1_0"`` and ``true``, its `UUID` takes
``{…}``, its `String` takes what cannot be seen. Fields that clients send are made of those here, which take one spelling:

====================  ==========================================================================
`Text`                what people read
`Identifier`          an id
`WholeNumber`         a number in JSON
`NumberInText`        a number in a query, a form or an ini file, where everything is text
`Truth`               ``true`` or ``false``
`Timestamp`           a moment
====================  ==========================================================================
"""

from __future__ import annotations

import re
from datetime import UTC
from functools import cache
from typing import Any
from uuid import UUID

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from autonomy_core.texts import UnreadableText, readable
from autonomy_core.traversal.resources import parse_uuid

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


class Text(fields.String):
    """What people read: in NFC, without space around it, something to be seen, and nothing that deceives.

    Args:
        longest: how many characters it may have, in that form.
        lines: whether it may have several lines.
        blank: whether it may be empty.
        options: of the field.
    """

    def __init__(self, longest: int, *, lines: bool = False, blank: bool = False, **options: Any) -> None:
        # The lengths are checked below; here they are described.
        super().__init__(validate=validate.Length(0 if blank else 1, longest), **options)
        self.longest, self.lines, self.blank = longest, lines, blank

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        try:
            return readable(text, self.longest, lines=self.lines, blank=self.blank)
        except UnreadableText as error:
            raise ValidationError(str(error)) from None


class Identifier(fields.UUID):
    """A UUID in its canonical form, in either case (RFC 9562, section 4)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> UUID:
        found = parse_uuid(value) if isinstance(value, str) else None
        if found is None:
            raise self.make_error("invalid_uuid")
        return found


class Timestamp(fields.AwareDateTime):
    """RFC 3339, section 5.6; in UTC, with a ``Z``, where it is an answer."""

    _SPELLING = re.compile(
        r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.ASCII | re.IGNORECASE
    )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not self._SPELLING.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return super()._deserialize(value, attr, data, **kwargs)

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

    MOST = 2**53 - 1
    """Beyond it JSON's readers disagree about a number (RFC 8259, section 6)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or value != value // 1 or abs(value) > self.MOST:
            raise self.make_error("invalid", input=value)
        return int(value)


class NumberInText(fields.Integer):
    """A number without a fraction where everything is text: spelled as JSON spells it, in ASCII digits."""

    default_error_messages = {"invalid": "Write a whole number in the digits 0 to 9, such as 20."}
    _SPELLING = re.compile(r"-?(0|[1-9][0-9]{0,15})", re.ASCII)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not self._SPELLING.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return int(value)


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
