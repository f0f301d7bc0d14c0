"""Answers with the bytes of a recording, or a part of them (RFC 9110, section 14)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from media_mp3 import services
from media_mp3.errors import PreconditionFailed, RangeNotSatisfiable, StorageUnavailable
from media_mp3.models import Track
from media_mp3.ranges import Decision, Resource, decide
from media_mp3.resources import AdminTrack, TrackNode
from media_mp3.schemas import LinkQuery

MEDIA_TYPE = "audio/mpeg"


def _header(name: str, description: str) -> dict[str, Any]:
    return {"in": "header", "name": name, "description": description, "schema": {"type": "string"}}


DESCRIPTION: dict[str, Any] = {
    "media": {MEDIA_TYPE: "the recording"},
    "also": {206: None, 304: None},
    "query": LinkQuery,
    "errors": (PreconditionFailed, RangeNotSatisfiable, StorageUnavailable),
    "parameters": (
        _header("Range", "one range of bytes; several are answered with the whole"),
        _header("If-Range", "the `ETag` of the part that you have: another file is then sent whole"),
        _header("If-None-Match", "the `ETag` that you have: 304 if it is still right"),
    ),
    "headers": {"ETag": "strong; the SHA-256 of the recording", "Accept-Ranges": "`bytes`"},
}
"""What `api_view` is told of the two calls."""

DESCRIPTION_FOR_STAFF = {name: value for name, value in DESCRIPTION.items() if name != "query"}
"""The same where no signed link opens anything."""


def recording(context: TrackNode | AdminTrack, request: Request, disposition: str) -> Response:
    """Answer a GET or HEAD.

    All that needs the database happens here: the body is read after the transaction has ended.

    Raises:
        NotFound, PreconditionFailed, RangeNotSatisfiable, StorageUnavailable
    """
    track = context.track
    services.require_listener(context.scope, request.identity, track)
    decision = decide(
        Resource(track.size, f'"{track.sha256}"', track.stored_at), request.method, request.headers
    )
    _refuse(decision, request)
    body: Iterable[bytes] = ()
    if request.method == "GET" and decision.length > 0:
        wrap = request.environ.get("wsgi.file_wrapper")
        body = services.open_recording(context.scope, track, decision.start, decision.end_inclusive, wrap)
    response = Response(status=decision.status, app_iter=body)
    response.headers.clear()
    response.headers.update(decision.headers)
    # Not even the private cache of a shared computer plays it to the next user without asking.
    response.headers["Cache-Control"] = "private, no-cache"
    if decision.status != 304:
        response.headers.update({"Content-Type": MEDIA_TYPE, "Content-Disposition": disposition})
    return response


def _refuse(decision: Decision, request: Request) -> None:
    if decision.status == PreconditionFailed.status:
        raise PreconditionFailed
    if decision.status == RangeNotSatisfiable.status:
        length = decision.headers["Content-Range"]
        request.add_response_callback(lambda _, response: response.headers.update({"Content-Range": length}))
        raise RangeNotSatisfiable(f"The file is {length.removeprefix('bytes */')} bytes long.")


def name_of(track: Track) -> str:
    """What a downloaded file is called, without the extension."""
    return f"{track.artist} - {track.title}" if track.artist else track.title
