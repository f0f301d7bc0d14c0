"""The responses of an operation: successes and possible problems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from marshmallow import Schema

from autonomy_core import errors
from autonomy_core.idempotency import schemas as idempotency
from autonomy_core.idempotency.errors import IdempotencyInProgress
from autonomy_core.kernel.identity import Permission
from autonomy_core.openapi.calls import Call
from autonomy_core.openapi.security import is_for_staff, security_of
from autonomy_core.security.members import SecondFactorNeeded
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
        "title": {"type": "string", "description": "identical for every problem with this code"},
        "status": {"type": "integer", "description": "the HTTP status code"},
        "detail": {"type": "string", "description": "about this occurrence"},
        "errors": {"type": "object"},
        "allow": {
            "type": "array",
            "items": {"type": "string"},
            "description": "with `method_not_allowed`: the allowed methods, as in the header `Allow`",
        },
        "retry_after": {
            "type": "integer",
            "description": "after how many seconds to retry, as in the header `Retry-After`",
        },
    },
}
"""The schema of all problems. Some codes have additional members. See `base_schema`."""

SCHEMAS = "#/components/schemas/"

HEADERS: Mapping[int, tuple[str, str]] = {
    401: ("WWW-Authenticate", "`Bearer`: RFC 6750, section 3"),
    429: ("Retry-After", "after how many seconds to retry"),
}
WITH_BODY = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.PARTIAL_CONTENT}


def responses_of(call: Call) -> dict[str, Any]:
    """Return the call's ``responses``, by status."""
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
    # OpenAPI 3.1 omits the type of binary content, but client generators need it.
    return {"type": "string"} if media.startswith("text/") else {"type": "string", "format": "binary"}


def _problems(call: Call) -> Iterator[tuple[int, dict[str, Any]]]:
    by_status: dict[int, list[type[errors.AutonomyError]]] = defaultdict(list)
    for error in problems_of(call):
        by_status[error.status].append(error)
    for status, possible in by_status.items():
        yield status, _problem(status, possible)


def problems_of(call: Call) -> Iterator[type[errors.AutonomyError]]:
    """Yield the possible errors of a call: those that follow from its input and permission, and its own."""
    operation = call.operation
    yield errors.Malformed
    yield errors.Unavailable
    if security_of(call):
        yield errors.NotAuthenticated
        yield errors.NotAllowed
    if is_for_staff(call):
        yield SecondFactorNeeded
    if operation.permission == Permission.OWN_RECENT:
        yield errors.ReauthenticationRequired
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
    """Return `PROBLEM` with the codes that have the member `errors`.

    Args:
        possible: the errors in a document.
    """
    codes = sorted({errors.InvalidInput.code, *(each.code for each in possible if "errors" in each.members)})
    names = ", ".join(f"`{code}`" for code in codes)
    described = {
        "type": "object",
        "description": f"with {names}: for `body` or `query`, each field's messages",
    }
    return {**PROBLEM, "properties": {**PROBLEM["properties"], "errors": described}}


def problem_schema(error: type[errors.AutonomyError]) -> tuple[str, dict[str, Any]]:
    """Return the name and the schema of an error's problems.

    Each code has its own schema: client generators make a type of each, and distinguish them by `code`.
    """
    # Enumerations of one value instead of `const`, which openapi-python-client cannot combine with `Problem`.
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
        text = f"with `{IdempotencyInProgress.code}`: after how many seconds to retry"
        response["headers"] = {"Retry-After": {"description": text, "schema": {"type": "string"}}}
    return response
