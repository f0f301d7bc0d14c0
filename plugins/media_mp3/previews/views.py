"""Previews over HTTP."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from pyramid.request import Request
from pyramid.response import Response
from structlog.contextvars import bound_contextvars

from autonomy_core.plugin_api.errors import TooManyRequests
from autonomy_core.plugin_api.files import answer_with_file, file_details
from autonomy_core.plugin_api.operations import PUBLIC, Details, api_view
from autonomy_core.plugin_api.security import Permission, client_network
from media_mp3.previews import services, waveform
from media_mp3.previews.formats import MEDIA_TYPE
from media_mp3.previews.resources import PublicTrack
from media_mp3.previews.schemas import AdminPreviewSchema, PreviewChoiceSchema, WaveformSchema
from media_mp3.previews.services import ChosenPreview
from media_mp3.resources import AdminTrack
from media_mp3.settings import RENDITIONS

CACHE_CONTROL: Final = "public, max-age=3600"
"""RFC 9111, section 5.2.2. So for an hour caches have a preview that was withdrawn."""

SVG: Final = "image/svg+xml"
SVG_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""A browser that opens the picture as a page runs and loads nothing."""

_WAVEFORM: Final[Details] = {
    "also": {304: None},
    "headers": {"ETag": "strong; changes with the recording", "Cache-Control": "an hour"},
    "parameters": (
        {
            "in": "header",
            "name": "If-None-Match",
            "description": "the `ETag` that you have: 304 if it is still right",
            "schema": {"type": "string"},
        },
    ),
}
_WAVEFORM_JSON: Final[Details] = {**_WAVEFORM, "returns": WaveformSchema}
_WAVEFORM_SVG: Final[Details] = {
    **_WAVEFORM,
    "media": {SVG: "the waveform, in the colour of the text around it"},
}
_DETAILS: Final[Details] = {
    **file_details(MEDIA_TYPE, "the preview", errors=(TooManyRequests,)),
    "transaction": "none",
}
_KEPT: Final = {200, 206, 304}


@api_view(
    context=PublicTrack,
    method="GET",
    name="preview",
    summary="Hear a preview of a track",
    permission=PUBLIC,
    **_DETAILS,
)
def hear_preview(context: PublicTrack, request: Request) -> Response:
    """Use it as `<audio src>`. It is an MP3 with nothing else than what visitors may hear.

    Each network can ask for a number of previews in an hour, which the organisation chooses.
    """
    file = services.preview_file(context.scope, context.track, client_network(request.remote_addr))
    with bound_contextvars(track=str(context.track.id)):
        response = answer_with_file(context.scope, request, RENDITIONS, file, "inline")
    if response.status_int in _KEPT:  # a redirect leads to a URL that expires
        response.headers["Cache-Control"] = CACHE_CONTROL
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@api_view(
    context=PublicTrack,
    method="GET",
    name="waveform",
    summary="Get the waveform of a track",
    permission=PUBLIC,
    **_WAVEFORM_JSON,
)
def get_waveform(context: PublicTrack, request: Request) -> Response:
    """In the JSON of BBC audiowaveform, which peaks.js and others draw."""
    track = context.track
    content = json.dumps(waveform.document(track.peaks, track.duration_ms, track.sample_rate)).encode()
    return _kept(content, "application/json")


@api_view(
    context=PublicTrack,
    method="GET",
    name="waveform.svg",
    summary="Show the waveform of a track",
    permission=PUBLIC,
    **_WAVEFORM_SVG,
)
def show_waveform(context: PublicTrack, request: Request) -> Response:
    """It fills the space that the page gives it. In an `<img>` it is black."""
    response = _kept(waveform.svg(context.track.peaks), SVG, charset="utf-8")
    response.headers["Content-Security-Policy"] = SVG_POLICY
    return response


def _kept(content: bytes, media_type: str, **options: str) -> Response:
    etag = hashlib.sha256(content).hexdigest()
    response = Response(
        body=content, content_type=media_type, etag=etag, conditional_response=True, **options
    )
    response.headers.update({"Cache-Control": CACHE_CONTROL, "X-Content-Type-Options": "nosniff"})
    return response


@api_view(
    context=AdminTrack,
    method="GET",
    name="preview",
    summary="See what visitors hear of a track",
    permission=Permission.READ_CATALOG,
    returns=AdminPreviewSchema,
)
def get_preview(context: AdminTrack, request: Request) -> ChosenPreview:
    """And how far the worker is with it."""
    return services.chosen_preview(context.scope, context.track)


@api_view(
    context=AdminTrack,
    method="PUT",
    name="preview",
    summary="Choose what visitors hear of a track",
    permission=Permission.WRITE_CATALOG,
    body=PreviewChoiceSchema,
    returns=AdminPreviewSchema,
)
def choose_preview(context: AdminTrack, request: Request) -> ChosenPreview:
    """It replaces what the organisation's ini file says. The worker makes it soon after.

    Without a preview, or with another length, visitors hear nothing from now on until the worker is done.
    """
    return services.choose_preview(context.scope, context.track, request.validated, actor=request.actor)


@api_view(
    context=AdminTrack,
    method="DELETE",
    name="preview",
    summary="Let visitors hear what the organisation's ini file says",
    permission=Permission.WRITE_CATALOG,
    returns=AdminPreviewSchema,
)
def reset_preview(context: AdminTrack, request: Request) -> ChosenPreview:
    """The choice of staff is forgotten."""
    return services.choose_preview(context.scope, context.track, None, actor=request.actor)
