"""Covers of tracks over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pyramid.request import Request

from autonomy_core.plugin_api.files import RECEIVING_ERRORS, fields_of, receive_upload
from autonomy_core.plugin_api.images import (
    IMAGE_ERRORS,
    IMAGE_FORM,
    IMAGES,
    AdminImageSchema,
    ImageChangesSchema,
    ImageDocuments,
    ImageFieldsSchema,
    NoImage,
    change_alt,
    image_of,
    max_upload_bytes,
    put_image,
    remove_image,
)
from autonomy_core.plugin_api.operations import api_view
from autonomy_core.plugin_api.resources import Resource
from autonomy_core.plugin_api.security import Permission
from media_mp3.covers import services
from media_mp3.covers.resources import AdminTrackCover
from media_mp3.models import Track
from media_mp3.settings import TRACK_IMAGE


@api_view(
    context=AdminTrackCover,
    method="PUT",
    summary="Upload the cover of a track",
    permission=Permission.WRITE_CATALOG,
    takes={"multipart/form-data": IMAGE_FORM},
    returns=AdminImageSchema,
    transaction="none",
    errors=(*RECEIVING_ERRORS, *IMAGE_ERRORS),
)
def put_track_cover(context: AdminTrackCover, request: Request) -> dict[str, Any]:
    """For a track that shows another cover than its product. It replaces the one that the track may have.

    The formats of the track are made anew with it.
    """
    scope, track_id, title = context.scope, context.track.id, context.track.title
    with receive_upload(scope, request, IMAGES, max_bytes=max_upload_bytes(scope)) as upload:
        alt = fields_of(upload, ImageFieldsSchema)["alt"]
        image = put_image(scope, TRACK_IMAGE, track_id, upload, alt=alt, actor=request.actor)
    return ImageDocuments(context).for_staff(image, title)


@api_view(
    context=AdminTrackCover,
    method="GET",
    summary="Get the cover of a track, for staff",
    permission=Permission.READ_CATALOG,
    returns=AdminImageSchema,
    errors=(NoImage,),
)
def get_track_cover(context: AdminTrackCover, request: Request) -> dict[str, Any]:
    """With the warnings of its inspection. A track that shows the cover of its product has none."""
    image = image_of(context.scope, TRACK_IMAGE, context.track.id)
    return ImageDocuments(context).for_staff(image, context.track.title)


@api_view(
    context=AdminTrackCover,
    method="PATCH",
    summary="Change the text of a track's cover",
    permission=Permission.WRITE_CATALOG,
    body=ImageChangesSchema,
    returns=AdminImageSchema,
    errors=(NoImage,),
)
def change_track_cover(context: AdminTrackCover, request: Request) -> dict[str, Any]:
    """For people who do not see the picture."""
    alt, track = request.validated["alt"], context.track
    image = change_alt(context.scope, TRACK_IMAGE, track.id, alt, actor=request.actor)
    return ImageDocuments(context).for_staff(image, track.title)


@api_view(
    context=AdminTrackCover,
    method="DELETE",
    summary="Remove the cover of a track",
    permission=Permission.WRITE_CATALOG,
    status=204,
    errors=(NoImage,),
)
def remove_track_cover(context: AdminTrackCover, request: Request) -> None:
    """The track shows the cover of its product again. The old URLs work for some weeks."""
    remove_image(context.scope, TRACK_IMAGE, context.track.id, actor=request.actor)


def cover_documents(context: Resource, tracks: Sequence[Track], title: str) -> dict[UUID, Any]:
    """The documents of the covers of one product's tracks, by the track's id.

    Args:
        title: for the placeholder, if neither the track nor its product has a cover.
    """
    of_product, own = services.covers_of(context.scope, tracks)
    documents = ImageDocuments(context)
    shared = documents.document(of_product, title)
    return {
        track.id: documents.document(own[track.id], track.title) if track.id in own else shared
        for track in tracks
    }
