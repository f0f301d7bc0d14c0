"""Tracks that are sold alone, over HTTP."""

from __future__ import annotations

from pyramid.request import Request

from autonomy_core.plugin_api.catalog import PRICE_ERRORS
from autonomy_core.plugin_api.operations import api_view
from autonomy_core.plugin_api.security import Permission
from media_mp3.errors import TrackRemoved
from media_mp3.models import Track
from media_mp3.resources import AdminTrack
from media_mp3.schemas import AdminTrackSchema
from media_mp3.singles import services
from media_mp3.singles.errors import SingleExists
from media_mp3.singles.schemas import NewSingleSchema


@api_view(
    context=AdminTrack,
    method="POST",
    name="single",
    summary="Sell a track alone",
    permission=Permission.WRITE_CATALOG,
    body=NewSingleSchema,
    returns=AdminTrackSchema,
    status=201,
    errors=(SingleExists, TrackRemoved, *PRICE_ERRORS),
)
def sell_alone(context: AdminTrack, request: Request) -> Track:
    """Makes a product of the kind `mp3_track`: the `single_id` of the track. It is bought like any product.

    Change its prices, or take it from sale, like those of other products.
    """
    ids = context.track.product_id, context.track.id
    return services.sell_alone(context.scope, *ids, request.validated, actor=request.actor)
