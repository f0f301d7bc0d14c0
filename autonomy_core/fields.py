"""marshmallow fields that take one spelling of what clients send.

marshmallow's own fields take more than they describe: its `Integer` takes ``"1_0"`` and ``true``, its `UUID` takes
``{…}``, its `String` takes what cannot be seen. Fields that clients send are made of those here:

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
from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields, validate

from autonomy_core.texts import UnreadableText, readable


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


def parse_uuid(text: str) -> UUID | None:
    """A UUID in its canonical form, or None."""
    try:
        value = UUID(text)
    except ValueError:
        return None
    return value if str(value) == text.lower() else None
