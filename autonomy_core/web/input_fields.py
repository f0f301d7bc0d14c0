"""Finds fields that take more than they describe, in what an operation takes and in the settings of a plugin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marshmallow import Schema, fields, missing, validate

from autonomy_core.fields import NumberInText, Truth, WholeNumber
from autonomy_core.web.operations import Operation

STRICT: dict[type[fields.Field[Any]], str] = {
    fields.Integer: "it takes '1_0' and true; use WholeNumber, in a query NumberInText",
    fields.Float: "it takes '1_0' and true; use WholeNumber",
    fields.Boolean: "it takes 'no' and 0; use Truth",
    fields.UUID: "it takes several spellings of an id; use Identifier",
    fields.DateTime: "it takes many spellings; use Timestamp",
    fields.AwareDateTime: "it takes many spellings; use Timestamp",
}
"""What is wrong with fields of marshmallow's own, and what to use instead."""

STRICT_SETTINGS: dict[type[fields.Field[Any]], str] = {
    fields.Integer: "it takes '1_0' and '+1'; use NumberInText",
    fields.Float: "it takes '1_0' and 'nan'; use NumberInText, in a smaller unit",
    fields.UUID: "it takes several spellings of an id; use Identifier",
    WholeNumber: "it takes no text, as an ini file has it; use NumberInText",
    Truth: "it takes no text, as an ini file has it; use fields.Boolean",
}
"""The same in a section of an ini file, where everything is text, and where yes, true and on are one."""

UNREAD = "it takes what cannot be seen; use Text if people read it, else validate it with Regexp or OneOf"
LIMITED_TO = (validate.Regexp, validate.OneOf, validate.Equal)


def lax_fields(operation: Operation) -> Iterator[str]:
    """A sentence for each field of an operation's body and query that takes more than it describes."""
    for schema, unfit in ((operation.body, NumberInText), (operation.query, WholeNumber)):
        if schema is not None:
            for problem in lax_fields_of(schema, unfit):
                yield f"{operation.method} {operation.id}: {problem}"


def lax_fields_of(schema: type[Schema], unfit: type[fields.Field[Any]]) -> Iterator[str]:
    """The same of a schema.

    Args:
        unfit: the kind of number that does not belong there.
    """
    for name, field in schema().load_fields.items():
        for problem in _problems(field, unfit):
            yield f"{schema.__name__}.{name}: {problem}"


def problems_of_settings(schema: type[Schema]) -> Iterator[str]:
    """A sentence for each key of a settings section that explains nothing, may be absent, or takes more than it says."""
    for name, field in schema().load_fields.items():
        key = field.data_key or name
        if not field.metadata.get("description"):
            yield f"the key {key} has no description: give it metadata={{'description': …}}"
        if not field.required and field.load_default is missing:
            yield (
                f"the key {key} is neither required nor has it a default: where a file leaves it out, the settings "
                "have no such key; give it load_default=… or required=True"
            )
        if type(field) in STRICT_SETTINGS:
            yield f"the key {key}: {STRICT_SETTINGS[type(field)]}"


def _problems(field: fields.Field[Any], unfit: type[fields.Field[Any]]) -> Iterator[str]:
    if isinstance(field, fields.List):
        yield from _problems(field.inner, unfit)
    elif isinstance(field, fields.Nested):
        yield from lax_fields_of(type(field.schema), unfit)
    elif type(field) in STRICT:
        yield STRICT[type(field)]
    elif isinstance(field, unfit):
        yield f"a {unfit.__name__} does not belong here"
    elif type(field) is fields.String and not _is_limited(field):
        yield UNREAD


def _is_limited(field: fields.Field[Any]) -> bool:
    # What is only loaded, such as a password, is compared and never shown.
    return field.load_only or any(isinstance(one, LIMITED_TO) for one in field.validators)
