"""What an operation may answer: its successes, and every problem that it can come to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from marshmallow import Schema

from autonomy_core import errors
from autonomy_core.idempotency import schemas as idempotency
from autonomy_core.idempotency.errors import IdempotencyInProgress
from autonomy_core.openapi.calls import Call
from autonomy_core.openapi.security import security_of
from autonomy_core.web.operations import Operation
from autonomy_core.web.problems import CONTENT_TYPE
from autonomy_core.web.schemas import OpenQuery

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong: problem details as in RFC 9457. Branch on `code`, which is stable.",
    "required": ["type", "code", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:autonomy:problem:not_found"]},
        "code": {"type": "string", "examples": ["not_found"]},
        "title": {"type": "string", "description": "the same for every problem of this code"},
        "status": {"type": "integer", "description": "the HTTP status code"},
        "detail": {"type": "string", "description": "about this occurrence"},
        "errors": {"type": "object"},
        "allow": {
            "type": "array",
            "items": {"type": "string"},
            "description": "with `method_not_allowed`: the methods that are, as in the header `Allow`",
        },
        "retry_after": {
            "type": "integer",
            "description": "in how many seconds to ask again, as in the header `Retry-After`",
        },
    },
}
"""The schema that every problem fits; a code may add members of its own. See `base_schema`."""

SCHEMAS = "#/components/schemas/"

HEADERS: Mapping[int, tuple[str, str]] = {
    401: ("WWW-Authenticate", "`Bearer`: RFC 6750, section 3"),
    429: ("Retry-After", "in how many seconds to ask again"),
}
WITH_BODY = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.PARTIAL_CONTENT}


def responses_of(call: Call) -> dict[str, Any]:
    """The call's ``responses``, by status."""
    described = dict([*_successes(call.operation), *_problems(call)])
    return {str(status): described[status] for status in sorted(described)}


def _successes(operation: Operation) -> Iterator[tuple[int, dict[str, Any]]]:
    named = {
        **operation.headers,
        **({idempotency.REPLAYED: idempotency.REPLAYED_MEANS} if operation.is_repeatable else {}),
    }
    headers = {name: {"description": text, "schema": {"type": "string"}} for name, text in named.items()}
    for status, schema in {operation.status: operation.returns, **operation.also}.items():
        response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        if content := _content(operation, status, schema):
            response["content"] = content
        if headers:
            response["headers"] = headers
        yield status, response


def _one_of(references: Mapping[str, str]) -> dict[str, Any]:
    alternatives = [{"$ref": reference} for reference in references.values()]
    if len(alternatives) == 1:
        return alternatives[0]
    return {
        "oneOf": alternatives,
        "discriminator": {"propertyName": "code", "mapping": dict(references)},
    }


def _content(operation: Operation, status: int, schema: type[Schema] | None) -> dict[str, Any]:
    if schema is not None:
        return {"application/json": {"schema": schema}}
    if status not in WITH_BODY:
        return {}
    return {
        media: {"schema": {**_schema_of_media(media), "description": text}}
        for media, text in operation.media.items()
    }


def _schema_of_media(media: str) -> dict[str, str]:
    if media == "application/json":
        return {"type": "object"}
    # OpenAPI 3.1 would leave bytes without a type; generators take them for text, or for nothing, without this.
    return {"type": "string"} if media.startswith("text/") else {"type": "string", "format": "binary"}


def _problems(call: Call) -> Iterator[tuple[int, dict[str, Any]]]:
    by_status: dict[int, list[type[errors.AutonomyError]]] = defaultdict(list)
    for error in problems_of(call):
        by_status[error.status].append(error)
    for status, possible in by_status.items():
        yield status, _problem(status, possible)


def problems_of(call: Call) -> Iterator[type[errors.AutonomyError]]:
    """The errors that a call may answer with: those that follow from what it takes, and its own."""
    operation = call.operation
    yield errors.Malformed
    yield errors.Unavailable
    if security_of(call):
        yield errors.NotAuthenticated
        yield errors.NotAllowed
    if call.place.parameters:
        yield errors.NotFound
    if operation.body or operation.takes:
        yield errors.TooLarge
        yield errors.UnsupportedMediaType
    if operation.body or operation.query is not OpenQuery:
        yield errors.InvalidInput
    if operation.is_repeatable:
        yield from idempotency.ERRORS
    yield from operation.errors


def base_schema(possible: Iterable[type[errors.AutonomyError]]) -> dict[str, Any]:
    """`PROBLEM`, which says with which codes `errors` comes.

    Args:
        possible: the errors that a document tells of.
    """
    codes = sorted({errors.InvalidInput.code, *(each.code for each in possible if "errors" in each.members)})
    names = ", ".join(f"`{code}`" for code in codes)
    described = {
        "type": "object",
        "description": f"with {names}: for `body` or `query`, each field's messages",
    }
    return {**PROBLEM, "properties": {**PROBLEM["properties"], "errors": described}}


def problem_schema(error: type[errors.AutonomyError]) -> tuple[str, dict[str, Any]]:
    """The name of the schema of an error's problems, and the schema.

    One for each code, because generators of clients make a type of it, and tell one from the other by `code`.
    """
    # Enumerations of one value, and no `const`: openapi-python-client cannot combine a `const` with the `Problem`.
    own = {
        "code": {"type": "string", "enum": [error.code]},
        "status": {"type": "integer", "enum": [error.status]},
        **{name: dict(schema) for name, schema in error.members.items()},
    }
    name = "".join(word.title() for word in error.code.split("_")) + "Problem"
    return name, {
        "description": f"{error.title}.",
        "allOf": [{"$ref": f"{SCHEMAS}Problem"}, {"type": "object", "properties": own}],
    }


def _problem(status: int, possible: Sequence[type[errors.AutonomyError]]) -> dict[str, Any]:
    titles = {error.code: error.title for error in possible}
    references = {error.code: f"{SCHEMAS}{problem_schema(error)[0]}" for error in possible}
    response: dict[str, Any] = {
        "description": "\n".join(f"- `{code}`: {title}." for code, title in titles.items()),
        "content": {CONTENT_TYPE: {"schema": _one_of(references)}},
    }
    if status in HEADERS:
        name, text = HEADERS[status]
        response["headers"] = {name: {"description": text, "required": True, "schema": {"type": "string"}}}
    elif IdempotencyInProgress in possible:
        text = f"with `{IdempotencyInProgress.code}`: in how many seconds to ask again"
        response["headers"] = {"Retry-After": {"description": text, "schema": {"type": "string"}}}
    return response
