"""Answers with a stored file, or a part of it (RFC 9110, section 14).

`ranges` decides which bytes, and `services` opens the file. `edge.answer` sends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from marshmallow import Schema
from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.errors import AutonomyError
from autonomy_core.files.area import FileArea
from autonomy_core.files.errors import PreconditionFailed, RangeNotSatisfiable, StorageUnavailable
from autonomy_core.files.ranges import Decision, Representation, decide
from autonomy_core.files.services import ServedFile, open_file
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.web.operations import Details


def _header(name: str, description: str) -> dict[str, Any]:
    return {"in": "header", "name": name, "description": description, "schema": {"type": "string"}}


def file_details(
    media_type: str,
    description: str,
    *,
    query: type[Schema] | None = None,
    errors: Sequence[type[AutonomyError]] = (),
) -> Details:
    """The details that a view gives `api_view` if it returns `answer_with_file`.

    Use it as ``**file_details("application/pdf", "the score")``.

    Args:
        media_type: the Content-Type.
        description: what the file is, for the API's description.
        query: `LinkQuery` if the call can be opened by a signed link.
        errors: further errors that the call may answer.
    """
    details: Details = {
        "media": {media_type: description},
        "also": {206: None, 304: None},
        "errors": (PreconditionFailed, RangeNotSatisfiable, StorageUnavailable, *errors),
        "parameters": (
            _header("Range", "one range of bytes; several are answered with the whole"),
            _header("If-Range", "the `ETag` of the part that you have: another file is then sent whole"),
            _header("If-None-Match", "the `ETag` that you have: 304 if it is still right"),
        ),
        "headers": {"ETag": "strong; the SHA-256 of the file", "Accept-Ranges": "`bytes`"},
    }
    if query is not None:
        details["query"] = query
    return details


def answer_with_file(
    scope: TenantScope, request: Request, area: FileArea, file: ServedFile, disposition: str
) -> Response:
    """Answer a GET or HEAD with a stored file, or with the part that the request asks for.

    The body is read after the request's transaction has ended, so a slow client holds no database connection.

    Args:
        disposition: the Content-Disposition: ``inline``, or what `attachment` returns.

    Raises:
        PreconditionFailed, RangeNotSatisfiable, StorageUnavailable
    """
    decision = decide(
        Representation(file.size, f'"{file.sha256}"', file.stored_at), request.method, request.headers
    )
    _refuse(decision, request)
    body: Iterable[bytes] = ()
    if request.method == "GET" and decision.length > 0:
        wrap = request.environ.get("wsgi.file_wrapper")
        body = open_file(scope, area, file.key, decision.start, decision.end_inclusive, wrap=wrap)
    response = Response(status=decision.status, app_iter=body)
    response.headers.clear()
    response.headers.update(decision.headers)
    # Without it the private cache of a shared computer would give the file to the next user.
    response.headers["Cache-Control"] = "private, no-cache"
    if decision.status != 304:
        response.headers.update({"Content-Type": file.media_type, "Content-Disposition": disposition})
    return response


def _refuse(decision: Decision, request: Request) -> None:
    if decision.status == PreconditionFailed.status:
        raise PreconditionFailed
    if decision.status == RangeNotSatisfiable.status:
        length = decision.headers["Content-Range"]
        request.add_response_callback(lambda _, response: response.headers.update({"Content-Range": length}))
        raise RangeNotSatisfiable(f"The file is {length.removeprefix('bytes */')} bytes long.")
