"""The types of arguments and options."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import click
from marshmallow import ValidationError

from autonomy_core.fields import EmailField

_DIGITS = re.compile(r"[0-9]{1,19}")
_EXAMPLE = "01a2b3c4-d5e6-7f80-9a1b-2c3d4e5f6071"


class NumberType(click.IntRange):
    """A whole number within limits. `click.IntRange` calls other text no "valid integer range".

    Args:
        least: the smallest number, 0 or more.
        most: the largest number.
    """

    name = "number"

    def __init__(self, least: int, most: int) -> None:
        super().__init__(least, most)
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or raise a usage error."""
        written = _DIGITS.fullmatch(str(value))
        if written is None or (number := int(written[0])) not in range(self.least, self.most + 1):
            self.fail(f"{value!r} is not a whole number from {self.least} to {self.most}.", param, ctx)
        return number


class IdentifierType(click.ParamType):
    """The id of a key or a payment, a UUID."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        """Return the UUID, or raise a usage error."""
        try:
            return UUID(str(value))
        except ValueError:
            # A longer text may be an API key that was pasted by mistake, so it is not printed.
            subject = repr(value) if len(str(value)) <= len(_EXAMPLE) else "this"
            self.fail(f"{subject} is no id; one looks like {_EXAMPLE}", param, ctx)


class AddressType(click.ParamType):
    """An e-mail address."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address in its canonical form, or raise a usage error."""
        try:
            return str(EmailField().deserialize(value))
        except ValidationError as error:
            self.fail(str(error.messages[0]), param, ctx)
