"""Answers with the bytes of a recording, or a part of them."""

from __future__ import annotations

from typing import Final, Literal

from pyramid.request import Request
from pyramid.response import Response
from structlog.contextvars import bound_contextvars

from autonomy_core.plugin_api.catalog import NotAvailableYet
from autonomy_core.plugin_api.errors import AutonomyError
from autonomy_core.plugin_api.files import (
    Download,
    LinkQuery,
    ServedFile,
    answer_with_file,
    attachment,
    file_details,
)
from autonomy_core.plugin_api.operations import Details
from media_mp3 import services
from media_mp3.models import Track
from media_mp3.resources import AdminTrack, TrackNode
from media_mp3.settings import area_of

FORMATS: Final = {
    "mp3": ("audio/mpeg", ".mp3"),
    "wav": ("audio/wav", ".wav"),
    "aiff": ("audio/aiff", ".aiff"),
    "flac": ("audio/flac", ".flac"),
    "alac": ("audio/mp4", ".m4a"),
}
"""The media type and the extension of each format of a master."""


def _details(query: type[LinkQuery] | None = None, errors: tuple[type[AutonomyError], ...] = ()) -> Details:
    details = file_details("audio/mpeg", "the recording", query=query, errors=errors)
    details["media"] = {media_type: "the recording" for media_type, _ in FORMATS.values()}
    return details


DESCRIPTION = _details(LinkQuery, (NotAvailableYet,))
"""What the two calls of a customer give `api_view`."""

DESCRIPTION_FOR_STAFF = _details()
"""The same without the query of a signed link, which opens nothing for staff."""


def recording(
    context: TrackNode | AdminTrack, request: Request, purpose: Literal["stream", "download"]
) -> Response:
    """Answer a GET or HEAD.

    Args:
        purpose: to play the recording, or to save it under a readable name.

    Raises:
        NotFound, NotAvailableYet, PreconditionFailed, RangeNotSatisfiable, StorageUnavailable
    """
    track = context.track
    services.require_listener(context.scope, request.identity, track)
    media_type, _ = FORMATS[track.format]
    file = ServedFile(track.storage_key, track.size, track.sha256, media_type, track.stored_at)
    by_customer = isinstance(context, TrackNode)
    listener = Download(request.identity.id, track.product_id, track.id, purpose) if by_customer else None
    disposition = "inline" if purpose == "stream" else _attached(track)
    with bound_contextvars(track=str(track.id)):
        return answer_with_file(
            context.scope, request, area_of(track.format), file, disposition, download=listener
        )


def _attached(track: Track) -> str:
    """The Content-Disposition that makes the browser save a track under a readable name."""
    name = f"{track.artist} - {track.title}" if track.artist else track.title
    return attachment(name, FORMATS[track.format][1], unnamed="track")
