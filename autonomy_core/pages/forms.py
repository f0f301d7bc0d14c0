"""Reads the forms of pages, and remembers what is wrong with them.

A form has a marshmallow schema, as a body of the API has. An input that was left empty counts as absent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from marshmallow import Schema, fields
from pyramid.request import Request

from autonomy_core.errors import AutonomyError, InvalidInput, Malformed, TooLarge, UnsupportedMediaType
from autonomy_core.kernel.pages import Message, _
from autonomy_core.pages.visitors import FIELD
from autonomy_core.web.reading import load_fields

MOST_BYTES: Final = 256 * 1024
"""The largest form. Files are uploaded through the API."""

CONTENT_TYPES: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})

MESSAGES: Final = (
    _("Missing data for required field."),
    _("Not a valid choice."),
    _("Not a valid integer."),
    _("Not a valid email address."),
    _("There is nothing to be read in it."),
    _("Invalid value."),
)
"""Messages of marshmallow and of our fields, for the catalogues."""


class Checkbox(fields.Boolean):
    """A checkbox of a form: a browser sends it only if it is checked."""

    def __init__(self, **options: Any) -> None:
        super().__init__(truthy={"yes"}, falsy=set(), load_default=False, **options)


class Form:
    """A form as it is shown: empty, or with what a visitor has entered and what is wrong with it.

    Args:
        given: the texts by name.
        errors: the messages by name.

    Attributes:
        refusal: why the form as a whole was refused; None if it was not.
    """

    def __init__(
        self,
        given: Mapping[str, Sequence[str]] | None = None,
        errors: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._given = given or {}
        self._errors = errors or {}
        self.refusal: str | Message | None = None

    @property
    def is_refused(self) -> bool:
        """Whether anything is wrong."""
        return bool(self._errors) or self.refusal is not None

    def value(self, name: str, default: str = "") -> str:
        """What was entered."""
        return next(iter(self._given.get(name, ())), default)

    def values(self, name: str) -> Sequence[str]:
        """All that was entered or chosen, of a field that takes several values."""
        return self._given.get(name, ())

    def errors_of(self, name: str) -> Sequence[str]:
        """What is wrong with a field."""
        return self._errors.get(name, ())

    def refuse(self, error: AutonomyError, message: Message) -> None:
        """Show that a service has refused the form. ``%(name)s`` in the message is a member of the error."""
        self.refusal = Message(message.text, {**error.extra, **message.values})


def require_form(request: Request) -> None:
    """Check the head of a request before its body is read.

    Raises:
        UnsupportedMediaType: the body is no form.
        Malformed: its size is unknown.
        TooLarge: it is larger than `MOST_BYTES`.
    """
    if request.content_type not in CONTENT_TYPES:
        raise UnsupportedMediaType("Send the body as a form.")
    if request.content_length is None:
        raise Malformed("Send the size of the form as Content-Length.")
    if request.content_length > MOST_BYTES:
        raise TooLarge(f"A form may have {MOST_BYTES} bytes.")


def read_form(request: Request, schema: type[Schema]) -> tuple[Form, Mapping[str, Any] | None]:
    """Read the form of a request.

    Args:
        request: the request.
        schema: the schema of the form.

    Returns:
        The form as it can be shown again, and its loaded values; None if it is not valid.
    """
    sent = {name: values for name, values in request.POST.dict_of_lists().items() if name != FIELD}
    # A part with a file name is no text.
    given = {name: [each for each in values if isinstance(each, str)] for name, values in sent.items()}
    entered = {name: [each for each in values if each] for name, values in given.items()}
    try:
        loaded = load_fields(schema, {name: each for name, each in entered.items() if each}, "form")
    except InvalidInput as error:
        return Form(given, _texts(error.extra.get("errors", {}).get("form", {}))), None
    return Form(given), loaded


def _texts(errors: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """The messages of fields. marshmallow nests those of a list by the place in it."""
    return {name: list(_flat(each)) for name, each in errors.items()}


def _flat(messages: Any) -> Sequence[str]:
    if isinstance(messages, Mapping):
        return [text for each in messages.values() for text in _flat(each)]
    return [str(each) for each in messages] if isinstance(messages, list | tuple) else [str(messages)]
