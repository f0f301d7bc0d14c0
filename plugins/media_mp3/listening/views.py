"""Listening over HTTP, for a shop's own players, and the figures for staff."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autonomy_core.plugin_api.catalog import NotAvailableYet
from autonomy_core.plugin_api.errors import InvalidInput, NotFound
from autonomy_core.plugin_api.operations import api_view
from autonomy_core.plugin_api.schemas import PageQuery, page_of, paginate
from autonomy_core.plugin_api.security import Permission
from media_mp3.listening import services
from media_mp3.listening.errors import PlayTimeRefused
from media_mp3.listening.models import Play
from media_mp3.listening.resources import History, Positions
from media_mp3.listening.schemas import (
    FiguresQuery,
    PlayedSchema,
    PlaySchema,
    PositionSchema,
    StoppedSchema,
    TrackFiguresSchema,
)
from media_mp3.resources import AdminProductTracks, TrackNode


@api_view(
    context=TrackNode,
    method="POST",
    name="plays",
    summary="Report that you have heard a track",
    permission=Permission.OWN,
    body=PlayedSchema,
    status=204,
    errors=(NotFound, NotAvailableYet, PlayTimeRefused),
)
def report_play(context: TrackNode, request: Request) -> None:
    """Repeat it with the same `played_at` if you are not sure that it arrived: it counts once.

    A play of the last 30 days is accepted, and one at most five minutes ahead of the server's clock. The
    header `Date` of every answer has that clock. It is kept within some seconds.
    """
    services.report_play(context.scope, request.identity, context.track, request.validated["played_at"])


@api_view(
    context=TrackNode,
    method="PUT",
    name="position",
    summary="Keep where you are in a track",
    permission=Permission.OWN,
    body=StoppedSchema,
    status=204,
    errors=(NotFound, NotAvailableYet),
)
def keep_position(context: TrackNode, request: Request) -> None:
    """Call it every few seconds. It is kept within some seconds."""
    services.keep_position(context.scope, request.identity, context.track, request.validated["position_ms"])


@api_view(
    context=History,
    method="GET",
    summary="List what you have heard",
    permission=Permission.OWN,
    query=PageQuery,
    returns=page_of(PlaySchema),
)
def list_history(context: History, request: Request) -> dict[str, Any]:
    """What was heard last comes first, whenever it was reported: in all players, also by OpenSubsonic."""
    session = context.scope.session
    page = paginate(session, services.history_of(request.identity.id), Play.id, request.query)
    return {**page, "items": services.with_tracks(context.scope, page["items"])}


@api_view(
    context=History,
    method="DELETE",
    summary="Delete what you have heard",
    permission=Permission.OWN,
    status=204,
    errors=(NotFound,),
)
def delete_history(context: History, request: Request) -> None:
    """Also where you stopped, in all players. What a player reports later about the time before is left out.

    Stars, playlists and the play queue stay. So do the figures of the shop, which name no customer.
    """
    services.delete_history(context.scope, request.identity.id)


@api_view(
    context=Positions,
    method="GET",
    summary="List the tracks in which you stopped",
    permission=Permission.OWN,
    returns=page_of(PositionSchema),
)
def list_positions(context: Positions, request: Request) -> dict[str, Any]:
    """Newest first, without pages, a hundred at most. Continue there."""
    return {"items": services.positions_of(context.scope, request.identity.id), "next": None}


@api_view(
    context=AdminProductTracks,
    method="GET",
    name="figures",
    summary="See how often the tracks of a product were played and downloaded",
    permission=Permission.READ_CATALOG,
    query=FiguresQuery,
    returns=TrackFiguresSchema,
    errors=(InvalidInput,),
)
def list_track_figures(context: AdminProductTracks, request: Request) -> dict[str, Any]:
    """The sums of each track, and its days, without pages, 10,000 at most: otherwise ask for fewer days.

    A day without any play, stream or download of a track is left out.
    """
    days = services.figures_of(context.scope, context.product.id, request.query)
    return {
        "tracks": services.totals_of(context.scope, context.product.id, days),
        "items": days,
        "next": None,
    }
