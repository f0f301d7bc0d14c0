"""Tracks over HTTP."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from pyramid.request import Request
from pyramid.response import Response
from pyramid.traversal import find_interface

from autonomy_core.plugin_api.errors import InvalidInput, UnsupportedMediaType
from autonomy_core.plugin_api.operations import api_view
from autonomy_core.plugin_api.resources import Customers
from autonomy_core.plugin_api.schemas import page_of
from autonomy_core.plugin_api.security import Permission
from autonomy_core.plugin_api.transactions import commit_early
from media_mp3 import errors, intake, links, services, streaming
from media_mp3.authenticator import link_key
from media_mp3.disposition import attachment
from media_mp3.models import Track
from media_mp3.resources import AdminProductTracks, CustomerProductTracks, TrackNode
from media_mp3.schemas import UPLOAD_FORM, AdminTrackSchema, TrackSchema, UploadedSchema
from media_mp3.settings import link_seconds


@api_view(
    context=CustomerProductTracks,
    method="GET",
    summary="List the tracks of a product that you own",
    permission=Permission.OWN,
    returns=page_of(TrackSchema),
)
def list_tracks(context: CustomerProductTracks, request: Request) -> dict[str, Any]:
    """In their order, all at once. The URLs are signed, work without a header, and expire; list again for new ones."""
    tracks = services.owned_tracks(context.scope, request.identity.id, context.product.id)
    return {"items": [_with_links(context, request, track) for track in tracks], "next": None}


def _with_links(context: CustomerProductTracks, request: Request, track: Track) -> dict[str, Any]:
    shown = TrackSchema().fields.keys() - {"stream_url", "download_url"}
    return {
        **{name: getattr(track, name) for name in shown},
        "stream_url": _link(context, request, track, "stream"),
        "download_url": _link(context, request, track, "download"),
    }


def _link(context: CustomerProductTracks, request: Request, track: Track, view: str) -> str:
    place = (find_interface(context, Customers), "tracks", str(track.id), view)
    url: str = request.resource_url(*place)
    expires = int(time.time()) + link_seconds(context.scope)
    # The URL's own path, and so with the prefix under which the application may be mounted.
    path = urlsplit(url).path
    query = links.signed_query(link_key(context.scope), path, request.identity.id, expires)
    return f"{url}?{urlencode(query)}"


@api_view(
    context=TrackNode,
    method="GET",
    name="stream",
    summary="Listen to a track that you own",
    permission=Permission.LISTEN,
    **streaming.DESCRIPTION,
)
def stream(context: TrackNode, request: Request) -> Response:
    """With an access token, or by a signed link of the list of tracks, which goes straight into `<audio src>`."""
    return streaming.recording(context, request, "inline")


@api_view(
    context=TrackNode,
    method="GET",
    name="download",
    summary="Download a track that you own",
    permission=Permission.LISTEN,
    **streaming.DESCRIPTION,
)
def download(context: TrackNode, request: Request) -> Response:
    """The same bytes, for the browser to save under a readable name."""
    return streaming.recording(context, request, attachment(streaming.name_of(context.track), ".mp3"))


@api_view(
    context=AdminProductTracks,
    method="GET",
    summary="List the tracks of a product, for staff",
    permission=Permission.READ_CATALOG,
    returns=page_of(AdminTrackSchema),
)
def list_product_tracks(context: AdminProductTracks, request: Request) -> dict[str, Any]:
    """In their order, all at once."""
    return {"items": services.tracks_of(context.scope, context.product.id), "next": None}


@api_view(
    context=AdminProductTracks,
    method="POST",
    summary="Upload a track",
    permission=Permission.WRITE_CATALOG,
    takes={"multipart/form-data": UPLOAD_FORM},
    returns=UploadedSchema,
    status=201,
    errors=(
        InvalidInput,
        errors.NotPlayable,
        errors.WrongKind,
        errors.TrackExists,
        errors.UploadTooLarge,
        errors.UploadMalformed,
        errors.UploadInterrupted,
        errors.UploadWithoutFile,
        errors.InspectionBusy,
        errors.StorageUnavailable,
    ),
)
def upload_track(context: AdminProductTracks, request: Request) -> dict[str, Any]:
    """The file is inspected at once; one that would not play everywhere is refused with every finding."""
    services.require_mp3(context.product)
    if request.content_type != "multipart/form-data":
        raise UnsupportedMediaType("Send the file as multipart/form-data.")
    scope, product_id, actor = context.scope, context.product.id, request.actor
    # Minutes may pass while the file arrives: nobody else's database connection waits for it.
    commit_early(request)
    content_type = request.headers["Content-Type"]
    with intake.received(scope, request.body_file, content_type, request.content_length) as upload:
        fields = intake.fields_of(upload)
        report = intake.accepted(scope, upload)
        services.store(scope, upload)
    track = services.add_track(scope, product_id, upload, report, fields, actor=actor)
    return {"track": track, "facts": report.facts}
