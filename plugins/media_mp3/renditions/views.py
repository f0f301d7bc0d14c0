"""Renditions over HTTP."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.plugin_api.operations import api_view
from autonomy_core.plugin_api.schemas import page_of
from autonomy_core.plugin_api.security import Permission
from media_mp3 import streaming
from media_mp3.renditions import services
from media_mp3.renditions.resources import AdminTrackFormat, AdminTrackFormats, TrackFormat
from media_mp3.renditions.schemas import RenditionSchema
from media_mp3.resources import AdminProductTracks
from media_mp3.services import tracks_of


@api_view(
    context=TrackFormat,
    method="GET",
    name="stream",
    summary="Listen to a track in a format",
    permission=Permission.LISTEN,
    **streaming.DESCRIPTION,
)
def stream_format(context: TrackFormat, request: Request) -> Response:
    """With an access token, or by a signed link from the list of tracks, which opens this format only."""
    return streaming.in_format(context, request, "stream")


@api_view(
    context=TrackFormat,
    method="GET",
    name="download",
    summary="Download a track in a format",
    permission=Permission.LISTEN,
    **streaming.DESCRIPTION,
)
def download_format(context: TrackFormat, request: Request) -> Response:
    """The same bytes. The browser saves them under a readable name."""
    return streaming.in_format(context, request, "download")


@api_view(
    context=AdminProductTracks,
    method="GET",
    name="formats",
    summary="See how far the formats of a product's tracks are",
    permission=Permission.READ_CATALOG,
    returns=page_of(RenditionSchema),
)
def list_product_formats(context: AdminProductTracks, request: Request) -> dict[str, Any]:
    """Each track in each format that the organisation sells, without pages: at most a thousand tracks."""
    tracks = tracks_of(context.scope, context.product.id)
    return {"items": services.progress_of(context.scope, tracks), "next": None}


@api_view(
    context=AdminTrackFormats,
    method="GET",
    summary="See how far the formats of a track are",
    permission=Permission.READ_CATALOG,
    returns=page_of(RenditionSchema),
)
def list_track_formats(context: AdminTrackFormats, request: Request) -> dict[str, Any]:
    """At most one for each format and the preview, in the order of the organisation's ini file."""
    return {"items": services.progress_of(context.scope, [context.track]), "next": None}


@api_view(
    context=AdminTrackFormats,
    method="POST",
    name="retry",
    summary="Make the failed formats of a track again",
    permission=Permission.WRITE_CATALOG,
    returns=page_of(RenditionSchema),
)
def retry_track_formats(context: AdminTrackFormats, request: Request) -> dict[str, Any]:
    """The worker begins soon after. Without a failed format, nothing changes."""
    services.retry_failed(context.scope, context.track, actor=request.actor)
    return {"items": services.progress_of(context.scope, [context.track]), "next": None}


@api_view(
    context=AdminTrackFormat,
    method="GET",
    name="stream",
    summary="Listen to a track in a format, for staff",
    permission=Permission.READ_CATALOG,
    **streaming.DESCRIPTION_FOR_STAFF,
)
def stream_format_for_staff(context: AdminTrackFormat, request: Request) -> Response:
    """What buyers get, with an API key."""
    return streaming.rendition(context, request, context.finished, "stream")


@api_view(
    context=AdminTrackFormat,
    method="GET",
    name="download",
    summary="Download a track in a format, for staff",
    permission=Permission.READ_CATALOG,
    **streaming.DESCRIPTION_FOR_STAFF,
)
def download_format_for_staff(context: AdminTrackFormat, request: Request) -> Response:
    """The same bytes, with a readable name for the saved file."""
    return streaming.rendition(context, request, context.finished, "download")
