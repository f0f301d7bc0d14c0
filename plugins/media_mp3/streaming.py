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
    answer_with_file,
    attachment,
    file_details,
)
from autonomy_core.plugin_api.media import CORE_FORMATS
from autonomy_core.plugin_api.operations import Details
from media_mp3 import services
from media_mp3.models import Track
from media_mp3.renditions.domain import MASTERS
from media_mp3.renditions.resources import AdminTrackFormat, TrackFormat
from media_mp3.renditions.services import FinishedFile, finished_files
from media_mp3.resources import AdminTrack, TrackNode
from media_mp3.settings import RENDITIONS

_RENDITIONS: Final = {each.media_type for each in CORE_FORMATS}


def _details(query: type[LinkQuery] | None = None, errors: tuple[type[AutonomyError], ...] = ()) -> Details:
    details = file_details("audio/mpeg", "the recording", query=query, errors=errors)
    types = dict.fromkeys(media_type for media_type, _ in MASTERS.values())
    details["media"] = dict.fromkeys((*types, *sorted(_RENDITIONS - types.keys())), "the recording")
    return details


DESCRIPTION = _details(LinkQuery, (NotAvailableYet,))
"""What the two calls of a customer give `api_view`."""

DESCRIPTION_FOR_STAFF = _details()
"""The same without the query of a signed link, which opens nothing for staff."""


Purpose = Literal["stream", "download"]
"""To play a recording, or to save it under a readable name."""


def recording(context: TrackNode, request: Request, purpose: Purpose) -> Response:
    """Answer a GET or HEAD with the organisation's first format, or with the master while there is none.

    Raises:
        NotFound, NotAvailableYet, PreconditionFailed, RangeNotSatisfiable, StorageUnavailable
    """
    services.require_listener(context.scope, request.identity, context.track)
    finished = finished_files(context.scope, [context.track]).get(context.track.id)
    if finished:
        return rendition(context, request, finished[0], purpose)
    return master(context, request, purpose)


def in_format(context: TrackFormat, request: Request, purpose: Purpose) -> Response:
    """Answer a GET or HEAD with the format that the URL names.

    Raises:
        NotFound, NotAvailableYet, PreconditionFailed, RangeNotSatisfiable, StorageUnavailable
    """
    services.require_listener(context.scope, request.identity, context.track)
    return rendition(context, request, context.finished, purpose)


def master(context: TrackNode | AdminTrack, request: Request, purpose: Purpose) -> Response:
    """Answer a GET or HEAD with the uploaded file, to a caller who may have it.

    Raises:
        PreconditionFailed, RangeNotSatisfiable, StorageUnavailable
    """
    track = context.track
    area, file, extension = services.master_file(track)
    by_customer = isinstance(context, TrackNode)
    listener = Download(request.identity.id, track.product_id, track.id, purpose) if by_customer else None
    disposition = "inline" if purpose == "stream" else attached(track, extension)
    with bound_contextvars(track=str(track.id)):
        return answer_with_file(context.scope, request, area, file, disposition, download=listener)


def rendition(
    context: TrackNode | TrackFormat | AdminTrackFormat,
    request: Request,
    finished: FinishedFile,
    purpose: Purpose,
) -> Response:
    """Answer a GET or HEAD with a finished rendition, to a caller who may have it.

    Raises:
        PreconditionFailed, RangeNotSatisfiable, StorageUnavailable
    """
    track = context.track
    listener = None
    if not isinstance(context, AdminTrackFormat):
        listener = Download(request.identity.id, track.product_id, track.id, purpose)
    disposition = "inline" if purpose == "stream" else attached(track, finished.format.extension)
    with bound_contextvars(track=str(track.id), format=finished.format.name):
        return answer_with_file(
            context.scope, request, RENDITIONS, finished.file, disposition, download=listener
        )


def attached(track: Track, extension: str) -> str:
    """The Content-Disposition that makes the browser save a track under a readable name."""
    name = f"{track.artist} - {track.title}" if track.artist else track.title
    return attachment(name, extension, unnamed="track")
