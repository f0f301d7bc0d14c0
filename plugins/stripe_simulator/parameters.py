"""Stripe's form encoding, ``line_items[0][price_data][currency]=eur``, and fields that validate it strictly.

Source: https://docs.stripe.com/api (requests are form-encoded, responses are JSON).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from string import Template
from typing import Any
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from stripe_simulator.errors import StripeError

NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
INTEGER = re.compile(r"^-?[0-9]{1,18}$", re.ASCII)

MESSAGES = {
    "parameter_missing": "Missing required parameter: $param.",
    "parameter_unknown": "Unknown parameter: $param (or one that the simulator does not support).",
    "parameter_invalid_empty": "$param was given without a value.",
    "parameter_invalid_integer": "$param must be an integer.",
    "parameter_invalid_boolean": "$param must be true or false.",
    "parameter_invalid_object": "$param must be an object, written as $param[name]=value.",
    "parameter_invalid_array": "$param must be a list, written as $param[0]=value.",
    "parameter_invalid_string": "$param must be a string.",
    "email_invalid": "$param must be an e-mail address.",
    "url_invalid": "$param must be an http or https URL.",
}
"""The text of each code. A field's error is one of these codes, or its own text with $param."""


def parse(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the nested form of ``pairs``. A list is a dict with "0", "1" … as keys.

    Raises StripeError if a name is malformed, or is used both as a value and as an object.
    """
    tree: dict[str, Any] = {}
    for name, value in pairs:
        match = NAME.match(name)
        if match is None:
            raise StripeError(f"Malformed parameter name: {name}", param=name)
        *parents, last = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        node = tree
        for part in parents:
            node = node.setdefault(part or str(len(node)), {})
            if not isinstance(node, dict):
                raise StripeError(f"{name} is both a value and an object.", param=name)
        last = last or str(len(node))
        if isinstance(node.get(last), dict):
            raise StripeError(f"{name} is both a value and an object.", param=name)
        node[last] = value
    return tree


def load(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` validated and converted by ``schema``; raises StripeError for the first problem."""
    try:
        loaded: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        raise _first_problem(error.messages) from None
    return loaded


def unknown(name: str) -> StripeError:
    """Return the error for a parameter that a call does not have."""
    code = "parameter_unknown"
    return StripeError(Template(MESSAGES[code]).substitute(param=name), code=code, param=name)


def _first_problem(messages: Any) -> StripeError:
    """Return the first of marshmallow's nested ``messages`` as Stripe would report it."""
    path: list[str] = []
    while isinstance(messages, dict):
        key, messages = next(iter(messages.items()))
        path += [] if key == "_schema" else [str(key)]
    param = "".join([path[0], *(f"[{part}]" for part in path[1:])]) if path else None
    text = messages[0]
    code = text if text in MESSAGES else None
    return StripeError(
        Template(MESSAGES.get(text, text)).safe_substitute(param=param), code=code, param=param
    )


class Parameters(Schema):
    """An object of parameters. Undeclared parameters are refused."""

    error_messages = {
        "unknown": "parameter_unknown",
        "type": "parameter_invalid_object",
    }

    class Meta:
        unknown = RAISE


class Text(fields.String):
    """A string of at most ``longest`` characters, and at least one unless ``may_be_empty``."""

    default_error_messages = {
        "required": "parameter_missing",
        "invalid": "parameter_invalid_string",
    }

    def __init__(self, longest: int = 5000, *, may_be_empty: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.longest = longest
        self.may_be_empty = may_be_empty

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        if not text and not self.may_be_empty:
            raise ValidationError("parameter_invalid_empty")
        if len(text) > self.longest:
            raise ValidationError(f"$param must be at most {self.longest} characters.")
        return text


class Name(Text):
    """A name for people: it must not be blank."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not text.strip():
            raise ValidationError("parameter_invalid_empty")
        return text


class Email(Text):
    """An e-mail address in ASCII, below a domain that has a dot."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not text.isascii() or "." not in text.rpartition("@")[2]:
            raise ValidationError("email_invalid")
        return str(validate.Email(error="email_invalid")(text))


class Url(Text):
    """An absolute http or https URL, which may contain Stripe's ``{CHECKOUT_SESSION_ID}``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            parts = urlsplit(text)
        except ValueError:
            raise ValidationError("url_invalid") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or any(map(str.isspace, text)):
            raise ValidationError("url_invalid")
        return text


class Integer(fields.Field[int]):
    """A whole number in decimal digits."""

    default_error_messages = {"required": "parameter_missing"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not INTEGER.match(value):
            raise ValidationError("parameter_invalid_integer")
        return int(value)


class Boolean(fields.Field[bool]):
    """``true`` or ``false``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("parameter_invalid_boolean")
        return bool(value == "true")


class Array(fields.List[Any]):
    """A list of at least one item: ``name[0]``, ``name[1]`` … without gaps, or ``name[]``."""

    default_error_messages = {
        "required": "parameter_missing",
        "invalid": "parameter_invalid_array",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, dict) or set(value) != {str(index) for index in range(len(value))}:
            raise ValidationError("parameter_invalid_array")
        items = [value[str(index)] for index in range(len(value))]
        return super()._deserialize(items, attr, data, **kwargs)


class Object(fields.Nested):
    """A nested object of parameters."""

    default_error_messages = {
        "required": "parameter_missing",
        "type": "parameter_invalid_object",
    }


class Metadata(fields.Field[dict[str, str]]):
    """Up to 50 strings of up to 500 characters by keys of up to 40 (https://docs.stripe.com/api/metadata)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, str]:
        if value == "":
            return {}
        if not isinstance(value, dict):
            raise ValidationError("parameter_invalid_object")
        if len(value) > 50:
            raise ValidationError("$param must have at most 50 keys.")
        problems = {key: problem for key, text in value.items() if (problem := self._problem(key, text))}
        if problems:
            raise ValidationError(problems)
        return dict(value)

    @staticmethod
    def _problem(key: str, text: Any) -> list[str]:
        if not isinstance(text, str):
            return ["parameter_invalid_string"]
        if len(key) > 40:
            return ["A key of metadata must be at most 40 characters: $param."]
        return ["$param must be at most 500 characters."] if len(text) > 500 else []
