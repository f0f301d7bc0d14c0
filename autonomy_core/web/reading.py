"""Reads what a client sends, strictly: what is not understood, or could be understood in two ways, is refused by name.

A typo in a parameter would otherwise change what is answered without a word, and of two members of one name each reader
would take another one (RFC 8259, section 4).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, NoReturn

from marshmallow import EXCLUDE, Schema, ValidationError, fields
from marshmallow.exceptions import SCHEMA
from pyramid.request import Request

from autonomy_core.errors import InvalidInput, Malformed, TooLarge, UnsupportedMediaType
from autonomy_core.web.schemas import ApiSchema

MAX_JSON_BYTES = 64 * 1024
"""The largest JSON body that is read."""

TWICE = "It is there more than once."

_CANNOT_BE_STORED = "contains a character that cannot be stored (NUL, or half a surrogate)"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class NoQuery(ApiSchema):
    """The query of a call that takes none."""


def load_query(request: Request, schema: type[Schema]) -> dict[str, Any]:
    """What the query string says. Only a field that is a list may be there more than once.

    Raises:
        InvalidInput: with the names of the parameters.
    """
    loading = schema()
    known = {field.data_key or name: field for name, field in loading.load_fields.items()}
    data: dict[str, Any] = {}
    repeated: dict[str, list[str]] = {}
    for name, values in request.GET.dict_of_lists().items():
        if name not in known and loading.unknown == EXCLUDE:
            continue
        if isinstance(known.get(name), fields.List):
            data[name] = values
        elif name in known and len(values) > 1:
            repeated[name] = [TWICE]
        else:
            data[name] = values[0]
    if repeated:
        raise _invalid("query", repeated)
    return _load(loading, data, "query")


def load_body(request: Request, schema: type[Schema]) -> dict[str, Any]:
    """What the JSON body says; no body is an empty object.

    Raises:
        UnsupportedMediaType, TooLarge: it is not read.
        Malformed: it is no JSON (RFC 8259), in UTF-8.
        InvalidInput: with the names of the members.
    """
    return _load(schema(), _json_object(request), "body")


def _json_object(request: Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        # Not `request.body`, which would read a stranger's gigabyte into memory.
        if not request.is_body_readable:
            return {}
        raise UnsupportedMediaType("Send the body as application/json.")
    if (request.content_length or 0) > MAX_JSON_BYTES:
        raise TooLarge(f"A JSON body may have {MAX_JSON_BYTES} bytes.")
    # Not `request.body`, which would put more than a few kilobytes into a temporary file.
    body = request.body_file.read(MAX_JSON_BYTES + 1)
    if len(body) > MAX_JSON_BYTES:
        raise TooLarge(f"A JSON body may have {MAX_JSON_BYTES} bytes.")
    found = _parsed(body) if body else {}
    if not isinstance(found, dict):
        raise InvalidInput("The body must be a JSON object.")
    return found


def _parsed(body: bytes) -> Any:
    try:
        # Decoded here, because `json.loads` would guess at other encodings.
        return json.loads(body.decode(), object_pairs_hook=_each_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not valid JSON.") from error


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        times = Counter(name for name, _ in members)
        raise _invalid("body", {name: [TWICE] for name in found if times[name] > 1})
    return found


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _load(schema: Schema, data: dict[str, Any], where: str) -> dict[str, Any]:
    if not _storable(data):
        detail = f"The {where} {_CANNOT_BE_STORED}."
        raise InvalidInput(detail, extra={"errors": {where: _unstorable_fields(data)}})
    try:
        loaded: dict[str, Any] = schema.load(data)
    except ValidationError as error:
        raise _invalid(where, error.messages) from error
    return loaded


def _invalid(where: str, messages: Any) -> InvalidInput:
    return InvalidInput(f"The {where} is not valid; see errors.", extra={"errors": {where: messages}})


def _unstorable_fields(data: dict[str, Any]) -> dict[str, list[str]]:
    # A name that cannot be stored cannot be named either.
    fields = (
        name if _storable(name) else SCHEMA for name, value in data.items() if not _storable([name, value])
    )
    return {field: [f"It {_CANNOT_BE_STORED}."] for field in fields}


def _storable(data: Any) -> bool:
    """Whether PostgreSQL can store every string in it."""
    waiting: list[Any] = [data]
    # A loop, because what a stranger nests is deeper than we may recurse.
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and _UNSTORABLE.search(value):
            return False
        if isinstance(value, dict):
            waiting += value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return True
