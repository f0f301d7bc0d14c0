"""Reads requests strictly: unknown or ambiguous input is rejected with its name.

Otherwise a misspelt parameter would silently change the answer, and readers would choose different values
among duplicate members (RFC 8259, section 4).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

from marshmallow import EXCLUDE, Schema, ValidationError, fields
from marshmallow.exceptions import SCHEMA
from pyramid.request import Request

from autonomy_core.errors import InvalidInput, Malformed, TooLarge, UnsupportedMediaType
from autonomy_core.web.schemas import ApiSchema

MAX_JSON_BYTES = 64 * 1024
"""The maximum size of a JSON body, in bytes."""

TWICE = "It is there more than once."

_CANNOT_BE_STORED = "contains a character that cannot be stored (NUL, or half a surrogate)"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class NoQuery(ApiSchema):
    """The query schema of calls without parameters."""


def load_query(request: Request, schema: type[Schema]) -> dict[str, Any]:
    """Load the query string. Only list fields may occur more than once.

    Args:
        request: the request.
        schema: the schema of the query.

    Returns:
        The loaded values by name.

    Raises:
        InvalidInput: with the names of the invalid parameters.
    """
    return load_fields(schema, request.GET.dict_of_lists(), "query")


def load_fields(schema: type[Schema], sent: Mapping[str, list[str]], where: str) -> dict[str, Any]:
    """Load the fields of a query or of a form. Only list fields may occur more than once.

    Args:
        schema: the schema.
        sent: the texts by name.
        where: ``query`` or ``form``, for the error.

    Returns:
        The loaded values by name.

    Raises:
        InvalidInput: with the names of the invalid fields.
    """
    loading = schema()
    known = {field.data_key or name: field for name, field in loading.load_fields.items()}
    data: dict[str, Any] = {}
    repeated: dict[str, list[str]] = {}
    for name, values in sent.items():
        if name not in known and loading.unknown == EXCLUDE:
            continue
        if isinstance(known.get(name), fields.List):
            data[name] = values
        elif name in known and len(values) > 1:
            repeated[name] = [TWICE]
        else:
            data[name] = values[0]
    if repeated:
        raise _invalid(where, repeated)
    return _load(loading, data, where)


def load_body(request: Request, schema: type[Schema]) -> dict[str, Any]:
    """Load the JSON body. A missing body is an empty object.

    Args:
        request: the request.
        schema: the schema of the body.

    Returns:
        The loaded values by name.

    Raises:
        UnsupportedMediaType: the body has another content type.
        TooLarge: it is larger than `MAX_JSON_BYTES`.
        Malformed: it is not valid JSON (RFC 8259) in UTF-8.
        InvalidInput: with the names of the invalid members.
    """
    return _load(schema(), _json_object(request), "body")


def _json_object(request: Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        # Not `request.body`: it would read a body of any size into memory.
        if not request.is_body_readable:
            return {}
        raise UnsupportedMediaType("Send the body as application/json.")
    if (request.content_length or 0) > MAX_JSON_BYTES:
        raise TooLarge(f"A JSON body may have {MAX_JSON_BYTES} bytes.")
    # Not `request.body`: it would write bodies of more than a few kilobytes to a temporary file.
    body = request.body_file.read(MAX_JSON_BYTES + 1)
    if len(body) > MAX_JSON_BYTES:
        raise TooLarge(f"A JSON body may have {MAX_JSON_BYTES} bytes.")
    found = _parsed(body) if body else {}
    if not isinstance(found, dict):
        raise InvalidInput("The body must be a JSON object.")
    return found


def _parsed(body: bytes) -> Any:
    try:
        # Decode here, because `json.loads` would guess other encodings.
        return json.loads(
            body.decode(), object_pairs_hook=_reject_duplicates, parse_constant=_reject_constant
        )
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not valid JSON.") from error


def _reject_duplicates(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        times = Counter(name for name, _ in members)
        raise _invalid("body", {name: [TWICE] for name in found if times[name] > 1})
    return found


def _reject_constant(constant: str) -> NoReturn:
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
    # An unstorable name cannot be part of the answer either.
    fields = (
        name if _storable(name) else SCHEMA for name, value in data.items() if not _storable([name, value])
    )
    return {field: [f"It {_CANNOT_BE_STORED}."] for field in fields}


def _storable(data: Any) -> bool:
    """Whether PostgreSQL can store all strings in the data."""
    waiting: list[Any] = [data]
    # A loop instead of recursion, because a client may send deeper nesting than Python's recursion limit.
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
