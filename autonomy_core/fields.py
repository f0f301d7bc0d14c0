"""marshmallow fields that accept only one notation of each value.

marshmallow's own fields accept more than they describe: its `Integer` accepts ``"1_0"`` and ``true``, its
`UUID` accepts ``{…}``, its `String` accepts invisible text. Schemas for clients' input use these fields
instead:

====================  ==========================================================================
`Text`                text for people
`EmailField`          an e-mail address
`Identifier`          an id, which is a UUID
`WholeNumber`         a number in JSON
`NumberInText`        a number in a query, a form or an ini file, where every value is text
`StrictBoolean`       ``true`` or ``false``
`Timestamp`           a date and time
`Day`                 a date
`LanguageTag`         a language
====================  ==========================================================================
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC
from typing import Any
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from marshmallow import ValidationError, fields, validate

from autonomy_core.languages import locale_of, tag_of
from autonomy_core.texts import UnreadableText, readable

LARGEST_NUMBER = 2**53 - 1
"""The limit for numbers that all JSON parsers read alike (RFC 8259, section 6)."""

MOST_DIGITS = 16
"""The digits of `LARGEST_NUMBER`."""

TOO_LARGE = "The number is too large."

LONGEST_EMAIL = 254
"""The longest address that a mail can be sent to (RFC 5321, section 4.5.3.1.3)."""


class Text(fields.String):
    """Text for people: in NFC, without surrounding space, visible, and without deceptive characters.

    Args:
        longest: the maximum number of characters after normalisation.
        lines: whether it may have several lines.
        blank: whether it may be empty.
        options: further arguments of the field.
    """

    def __init__(self, longest: int, *, lines: bool = False, blank: bool = False, **options: Any) -> None:
        # This only describes the length. `readable` checks it.
        super().__init__(validate=validate.Length(0 if blank else 1, longest), **options)
        self.longest, self.lines, self.blank = longest, lines, blank

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        try:
            return readable(text, self.longest, lines=self.lines, blank=self.blank)
        except UnreadableText as error:
            raise ValidationError(str(error)) from None


class EmailField(fields.String):
    """An e-mail address in its canonical form. Its deliverability is not checked."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        if len(text) > LONGEST_EMAIL:
            raise ValidationError(f"An e-mail address has at most {LONGEST_EMAIL} characters.")
        try:
            found = validate_email(text, check_deliverability=False)
        except EmailNotValidError as error:
            raise ValidationError("This is not an e-mail address.") from error
        return canonical_email(found.local_part, found.ascii_domain)


class Identifier(fields.UUID):
    """A UUID in its canonical form, in upper or lower case (RFC 9562, section 4)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> UUID:
        found = parse_uuid(value) if isinstance(value, str) else None
        if found is None:
            raise self.make_error("invalid_uuid")
        return found


class Timestamp(fields.AwareDateTime):
    """A date and time of the years 1000 to 2999 with offset (RFC 3339, section 5.6).

    Answers use UTC with ``Z``. In the years 1 and 9999, not every offset can be converted.
    """

    default_error_messages = {
        "invalid": "Write a date and time of the years 1000 to 2999 with its offset from UTC, such as "
        "2026-11-30T18:00:00Z or 2026-11-30T19:00:00+01:00."
    }
    _SPELLING = re.compile(
        r"[12]\d{3}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.ASCII | re.IGNORECASE
    )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not self._SPELLING.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return super()._deserialize(value, attr, data, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        # The database returns times in its own time zone.
        text = super()._serialize(value and value.astimezone(UTC), attr, obj, **kwargs)
        return text.replace("+00:00", "Z") if isinstance(text, str) else None


class Day(fields.Date):
    """A date of the years 1000 to 2999 (RFC 3339, section 5.6). marshmallow would accept ``20261130``."""

    default_error_messages = {"invalid": "Write a date of the years 1000 to 2999, such as 2026-11-30."}
    _SPELLING = re.compile(r"[12]\d{3}-\d{2}-\d{2}", re.ASCII)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not self._SPELLING.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return super()._deserialize(value, attr, data, **kwargs)


class LanguageTag(fields.String):
    """A language with or without a region, as a tag of BCP 47: ``de`` or ``de-AT``."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        locale = locale_of(str(super()._deserialize(value, attr, data, **kwargs)))
        if locale is None:
            raise ValidationError("This is not a language; write a tag such as de or de-AT.")
        return tag_of(locale)


class StrictBoolean(fields.Boolean):
    """``true`` or ``false``. marshmallow would also accept ``"no"`` and ``0``."""

    default_error_messages = {"invalid": "Write true or false, without quotes."}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class WholeNumber(fields.Integer):
    """An integer. ``12.0`` is accepted, as in JSON Schema; ``"12"`` is a string."""

    default_error_messages = {
        "invalid": "Write a whole number without quotes, such as 20.",
        "too_large": TOO_LARGE,
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or value != value // 1:
            raise self.make_error("invalid", input=value)
        if abs(value) > LARGEST_NUMBER:
            raise self.make_error("too_large", input=value)
        return int(value)


class NumberInText(fields.Integer):
    """An integer written as text, in JSON's notation with ASCII digits."""

    default_error_messages = {
        "invalid": "Write a whole number in the digits 0 to 9, such as 20.",
        "too_large": TOO_LARGE,
    }
    _SPELLING = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not self._SPELLING.fullmatch(value):
            raise self.make_error("invalid", input=value)
        # Python refuses to convert thousands of digits.
        if len(value.removeprefix("-")) > MOST_DIGITS:
            raise self.make_error("too_large", input=value)
        return int(value)


def canonical_email(local_part: str, ascii_domain: str) -> str:
    """Return the form in which an address is stored and looked up.

    Args:
        local_part: the part before the ``@``, already validated.
        ascii_domain: the part after it, with international names in their ASCII form (IDNA).
    """
    # Normalise (NFC) last, because lower-casing can decompose characters.
    return unicodedata.normalize("NFC", f"{local_part.lower()}@{ascii_domain.lower()}")


def parse_uuid(text: str) -> UUID | None:
    """Parse a UUID in its canonical form; None for other texts."""
    try:
        value = UUID(text)
    except ValueError:
        return None
    return value if str(value) == text.lower() else None
