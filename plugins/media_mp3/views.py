"""Tracks over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from pyramid.request import Request
from pyramid.response import Response
from pyramid.traversal import find_interface

from autonomy_core.plugin_api.errors import InvalidInput, UnsupportedMediaType
from autonomy_core.plugin_api.operations import api_view, expect_large_body
from autonomy_core.plugin_api.resources import Customers
from autonomy_core.plugin_api.schemas import page_of
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import Permission
from media_mp3 import editing, errors, intake, links, services, streaming
from media_mp3.authenticator import link_key
from media_mp3.disposition import attachment
from media_mp3.models import Track
from media_mp3.resources import AdminProductTracks, AdminTrack, CustomerProductTracks, TrackNode
from media_mp3.schemas import (
    REPLACEMENT_FORM,
    UPLOAD_FORM,
    AdminTrackSchema,
    NoFieldsSchema,
    OrderSchema,
    TrackChangesSchema,
    TrackSchema,
    UploadedSchema,
)
from media_mp3.settings import link_seconds, max_upload_bytes
from media_mp3.upload import Upload, largest_form

UPLOAD_ERRORS = (
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
)


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
    # Minutes may pass while the file arrives, in which no connection to the database is held.
    transaction="none",
    errors=UPLOAD_ERRORS,
)
def upload_track(context: AdminProductTracks, request: Request) -> services.Uploaded:
    """The file is inspected at once; one that would not play everywhere is refused with every finding."""
    services.require_mp3(context.product)
    with _received(context.scope, request) as upload:
        fields = intake.fields_of(upload)
        return services.add_uploaded(context.scope, context.product.id, upload, fields, actor=request.actor)


@api_view(
    context=AdminTrack,
    method="PUT",
    name="file",
    summary="Replace the file of a track",
    permission=Permission.WRITE_CATALOG,
    takes={"multipart/form-data": REPLACEMENT_FORM},
    returns=UploadedSchema,
    transaction="none",
    errors=UPLOAD_ERRORS,
)
def replace_file(context: AdminTrack, request: Request) -> services.Uploaded:
    """The new file is inspected as an upload is. The track keeps its id, its texts and its place; all who own it hear the new file."""
    ids = context.track.product_id, context.track.id
    with _received(context.scope, request) as upload:
        intake.fields_of(upload, NoFieldsSchema)
        return services.replace_with_uploaded(context.scope, *ids, upload, actor=request.actor)


@contextmanager
def _received(scope: TenantScope, request: Request) -> Iterator[Upload]:
    if request.content_type != "multipart/form-data":
        raise UnsupportedMediaType("Send the file as multipart/form-data.")
    expect_large_body(request, largest_form(max_upload_bytes(scope)))
    content_type = request.headers["Content-Type"]
    with intake.received(scope, request.body_file, content_type, request.content_length) as upload:
        yield upload


@api_view(
    context=AdminTrack,
    method="GET",
    summary="Get a track, for staff",
    permission=Permission.READ_CATALOG,
    returns=AdminTrackSchema,
)
def get_track(context: AdminTrack, request: Request) -> Track:
    """Removed or not."""
    return context.track


@api_view(
    context=AdminTrack,
    method="PATCH",
    summary="Change a track",
    permission=Permission.WRITE_CATALOG,
    body=TrackChangesSchema,
    returns=AdminTrackSchema,
    errors=(errors.TrackRemoved,),
)
def change_track(context: AdminTrack, request: Request) -> Track:
    """What is absent stays; `null` empties a field that may be empty."""
    ids = context.track.product_id, context.track.id
    return editing.change_track(context.scope, *ids, request.validated, actor=request.actor)


@api_view(
    context=AdminTrack,
    method="DELETE",
    summary="Remove a track from its product",
    permission=Permission.WRITE_CATALOG,
    status=204,
)
def remove_track(context: AdminTrack, request: Request) -> None:
    """New buyers do not get it. Who has begun to buy the product before keeps it. `PATCH` with `removed: false` brings it back."""
    editing.remove_track(context.scope, context.track.product_id, context.track.id, actor=request.actor)


@api_view(
    context=AdminProductTracks,
    method="PUT",
    name="order",
    summary="Put the tracks of a product in order",
    permission=Permission.WRITE_CATALOG,
    body=OrderSchema,
    returns=page_of(AdminTrackSchema),
    errors=(errors.TracksDiffer,),
)
def order_tracks(context: AdminProductTracks, request: Request) -> dict[str, Any]:
    """Their positions are 1, 2, 3 and so on afterwards."""
    product_id = context.product.id
    editing.reorder(context.scope, product_id, request.validated["track_ids"], actor=request.actor)
    return {"items": services.tracks_of(context.scope, product_id), "next": None}


@api_view(
    context=AdminTrack,
    method="GET",
    name="stream",
    summary="Listen to a track, for staff",
    permission=Permission.READ_CATALOG,
    **streaming.DESCRIPTION_FOR_STAFF,
)
def stream_for_staff(context: AdminTrack, request: Request) -> Response:
    """With an API key. `<audio>` sends none: fetch the file, and give the player a blob of it."""
    return streaming.recording(context, request, "inline")


@api_view(
    context=AdminTrack,
    method="GET",
    name="download",
    summary="Download a track, for staff",
    permission=Permission.READ_CATALOG,
    **streaming.DESCRIPTION_FOR_STAFF,
)
def download_for_staff(context: AdminTrack, request: Request) -> Response:
    """The same bytes, to be saved under a readable name."""
    return streaming.recording(context, request, attachment(streaming.name_of(context.track), ".mp3"))
