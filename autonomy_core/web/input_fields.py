"""Finds fields of API schemas and plugin settings that accept more input than they describe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marshmallow import Schema, fields, missing, validate

from autonomy_core.fields import NumberInText, StrictBoolean, WholeNumber
from autonomy_core.web.operations import Operation

STRICT: dict[type[fields.Field[Any]], str] = {
    fields.Integer: "it takes '1_0' and true; use WholeNumber, in a query NumberInText",
    fields.Float: "it takes '1_0' and true; use WholeNumber",
    fields.Boolean: "it takes 'no' and 0; use StrictBoolean",
    fields.UUID: "it takes several spellings of an id; use Identifier",
    fields.DateTime: "it takes many spellings; use Timestamp",
    fields.AwareDateTime: "it takes many spellings; use Timestamp",
    fields.Date: "it takes several spellings; use Day",
}
"""Fields of marshmallow that are too lenient for the API, and what to use instead."""

STRICT_SETTINGS: dict[type[fields.Field[Any]], str] = {
    fields.Integer: "it takes '1_0' and '+1'; use NumberInText",
    fields.Float: "it takes '1_0' and 'nan'; use NumberInText, in a smaller unit",
    fields.UUID: "it takes several spellings of an id; use Identifier",
    WholeNumber: "it takes no text, as an ini file has it; use NumberInText",
    StrictBoolean: "it takes no text, as an ini file has it; use fields.Boolean",
}
"""The same for sections of ini files, where every value is text, and yes, true and on are synonyms."""

UNRESTRICTED = (
    "it takes what cannot be seen; use Text if people read it, else validate it with Regexp or OneOf"
)
RESTRICTING = (validate.Regexp, validate.OneOf, validate.Equal)


def lax_fields(operation: Operation) -> Iterator[str]:
    """One sentence for each field of an operation's body and query that accepts more than it describes."""
    for schema, unfit in ((operation.body, NumberInText), (operation.query, WholeNumber)):
        if schema is not None:
            for problem in lax_fields_of(schema, unfit):
                yield f"{operation.method} {operation.id}: {problem}"


def lax_fields_of(schema: type[Schema], unfit: type[fields.Field[Any]]) -> Iterator[str]:
    """One sentence for each field of a schema that accepts more than it describes.

    Args:
        schema: the schema.
        unfit: the number field that must not be used there.
    """
    for name, field in schema().load_fields.items():
        for problem in _problems(field, unfit):
            yield f"{schema.__name__}.{name}: {problem}"


def problems_of_settings(schema: type[Schema]) -> Iterator[str]:
    """One sentence for each key of a section without description or default, or that is too lenient."""
    for name, field in schema().load_fields.items():
        key = field.data_key or name
        if not field.metadata.get("description"):
            yield f"the key {key} has no description: give it metadata={{'description': …}}"
        if not field.required and field.load_default is missing:
            yield (
                f"the key {key} is neither required nor has it a default: where a file leaves it out, the "
                "settings have no such key; give it load_default=… or required=True"
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
        yield UNRESTRICTED


def _is_limited(field: fields.Field[Any]) -> bool:
    # Values that are only loaded, such as passwords, are compared and never shown.
    return field.load_only or any(isinstance(one, RESTRICTING) for one in field.validators)
