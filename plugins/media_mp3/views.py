"""Tracks over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from pyramid.traversal import find_interface

from autonomy_core.plugin_api.catalog import available_at
from autonomy_core.plugin_api.files import RECEIVING_ERRORS, Upload, fields_of, receive_upload
from autonomy_core.plugin_api.operations import api_view
from autonomy_core.plugin_api.resources import Customers
from autonomy_core.plugin_api.schemas import page_of
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import Permission
from media_mp3 import editing, errors, services, streaming
from media_mp3.covers.views import cover_documents
from media_mp3.models import Track
from media_mp3.renditions.services import FinishedFile, finished_files
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
    UploadFieldsSchema,
)
from media_mp3.settings import LINKS, RECORDINGS, link_seconds, max_upload_bytes

UPLOAD_ERRORS = (
    *RECEIVING_ERRORS,
    errors.NotPlayable,
    errors.WrongKind,
    errors.TrackExists,
    errors.TooManyTracks,
    errors.InspectionBusy,
)


@api_view(
    context=CustomerProductTracks,
    method="GET",
    summary="List the tracks of a product that you own",
    permission=Permission.OWN,
    returns=page_of(TrackSchema),
)
def list_tracks(context: CustomerProductTracks, request: Request) -> dict[str, Any]:
    """In their order, without pages, a thousand at most. The URLs are signed and need no header.

    They expire: list again for new ones. Before the release, only instant tracks have URLs.
    """
    tracks = services.owned_tracks(context.scope, request.identity.id, context.product.id)
    later = available_at(context.scope, services.release_of(context.scope, context.product.id))
    finished = finished_files(context.scope, tracks)
    covers = cover_documents(context, tracks, context.product.title)
    items = [
        {
            **_with_links(
                context, request, track, finished.get(track.id, ()), None if track.instant else later
            ),
            "cover": covers[track.id],
        }
        for track in tracks
    ]
    return {"items": items, "next": None}


_OF_ANSWER = frozenset({"available_at", "cover", "formats", "stream_url", "download_url"})
_OF_TRACK = tuple(TrackSchema().fields.keys() - _OF_ANSWER)


def _with_links(
    context: CustomerProductTracks,
    request: Request,
    track: Track,
    finished: Sequence[FinishedFile],
    later: datetime | None,
) -> dict[str, Any]:
    return {
        **{name: getattr(track, name) for name in _OF_TRACK},
        "available_at": later,
        "formats": [
            {
                "name": each.format.name,
                "title": each.format.title,
                "media_type": each.format.media_type,
                "lossless": each.format.lossless,
                "size": each.size,
                **_links(context, request, track, later, "formats", each.format.name),
            }
            for each in finished
        ],
        **_links(context, request, track, later),
    }


def _links(
    context: CustomerProductTracks, request: Request, track: Track, later: datetime | None, *below: str
) -> dict[str, str | None]:
    """The signed URLs of a track, or of a format below it; None before the release."""
    views = ("stream", "download")
    return {f"{view}_url": None if later else _link(context, request, track, *below, view) for view in views}


def _link(context: CustomerProductTracks, request: Request, track: Track, *path: str) -> str:
    url = request.resource_url(find_interface(context, Customers), "tracks", str(track.id), *path)
    return LINKS.sign(context.scope, url, request.identity.id, seconds=link_seconds(context.scope))


@api_view(
    context=TrackNode,
    method="GET",
    name="stream",
    summary="Listen to a track that you own",
    permission=Permission.LISTEN,
    **streaming.DESCRIPTION,
)
def stream(context: TrackNode, request: Request) -> Response:
    """With an access token, or by a signed link from the list of tracks. Use the link as `<audio src>`."""
    return streaming.recording(context, request, "stream")


@api_view(
    context=TrackNode,
    method="GET",
    name="download",
    summary="Download a track that you own",
    permission=Permission.LISTEN,
    **streaming.DESCRIPTION,
)
def download(context: TrackNode, request: Request) -> Response:
    """The same bytes. The browser saves them under a readable name."""
    return streaming.recording(context, request, "download")


@api_view(
    context=AdminProductTracks,
    method="GET",
    summary="List the tracks of a product, for staff",
    permission=Permission.READ_CATALOG,
    returns=page_of(AdminTrackSchema),
)
def list_product_tracks(context: AdminProductTracks, request: Request) -> dict[str, Any]:
    """In their order, without pages, also removed ones. A product has a thousand at most."""
    return {"items": services.tracks_of(context.scope, context.product.id), "next": None}


@api_view(
    context=AdminProductTracks,
    method="POST",
    summary="Upload a track",
    permission=Permission.WRITE_CATALOG,
    takes={"multipart/form-data": UPLOAD_FORM},
    returns=UploadedSchema,
    status=201,
    # Minutes may pass while the file arrives. No database connection is held in that time.
    transaction="none",
    errors=UPLOAD_ERRORS,
)
def upload_track(context: AdminProductTracks, request: Request) -> services.Uploaded:
    """The file is inspected. A file that would not play everywhere is refused, with every finding."""
    services.require_mp3(context.product)
    with _received(context.scope, request) as upload:
        fields = fields_of(upload, UploadFieldsSchema)
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
    """The new file is inspected like an upload. The track keeps its id, its texts and its place.

    All owners of the product hear the new file.
    """
    ids = context.track.product_id, context.track.id
    with _received(context.scope, request) as upload:
        fields_of(upload, NoFieldsSchema)
        return services.replace_with_uploaded(context.scope, *ids, upload, actor=request.actor)


def _received(scope: TenantScope, request: Request) -> AbstractContextManager[Upload]:
    return receive_upload(scope, request, RECORDINGS, max_bytes=max_upload_bytes(scope))


@api_view(
    context=AdminTrack,
    method="GET",
    summary="Get a track, for staff",
    permission=Permission.READ_CATALOG,
    returns=AdminTrackSchema,
)
def get_track(context: AdminTrack, request: Request) -> Track:
    """Also a removed one."""
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
    """Fields that are not sent stay as they are. `null` empties a field that may be empty."""
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
    """New buyers do not get it. Customers who began to buy the product before keep it.

    `PATCH` with `removed: false` restores it.
    """
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
    """Afterwards the positions are 1, 2, 3 and so on."""
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
    """With an API key. `<audio>` sends no key: fetch the file, and give the player a blob of it."""
    return streaming.master(context, request, "stream")


@api_view(
    context=AdminTrack,
    method="GET",
    name="download",
    summary="Download a track, for staff",
    permission=Permission.READ_CATALOG,
    **streaming.DESCRIPTION_FOR_STAFF,
)
def download_for_staff(context: AdminTrack, request: Request) -> Response:
    """The same bytes, with a readable name for the saved file."""
    return streaming.master(context, request, "download")
