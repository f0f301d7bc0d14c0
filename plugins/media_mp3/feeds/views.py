"""Feeds over HTTP."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from pyramid.request import Request
from pyramid.response import Response
from pyramid.traversal import find_interface
from structlog.contextvars import bound_contextvars

from autonomy_core.plugin_api.errors import TooManyRequests
from autonomy_core.plugin_api.files import Download, answer_with_file, file_details
from autonomy_core.plugin_api.images import ImageDocuments
from autonomy_core.plugin_api.media import CORE_FORMATS
from autonomy_core.plugin_api.operations import PUBLIC, Details, api_view
from autonomy_core.plugin_api.resources import ApiV1
from autonomy_core.plugin_api.schemas import PageQuery, page_of
from autonomy_core.plugin_api.security import Permission
from media_mp3.feeds import domain, services
from media_mp3.feeds.domain import Channel
from media_mp3.feeds.resources import FeedTrack, OpenFeed, OwnFeed, OwnFeeds, ProductFeed
from media_mp3.feeds.schemas import FeedQuery, FeedSchema, NewFeedSchema
from media_mp3.renditions.domain import MASTERS

_TYPES: Final = sorted({each.media_type for each in CORE_FORMATS} | {kind for kind, _ in MASTERS.values()})
_OF_A_TRACK: Final[Details] = {
    **file_details("audio/mpeg", "the recording", query=FeedQuery, errors=(TooManyRequests,)),
    "media": dict.fromkeys(_TYPES, "the recording"),
    "transaction": "none",
}


@api_view(
    context=ProductFeed,
    method="POST",
    summary="Make the private feed of a product that you own",
    permission=Permission.OWN_RECENT,
    returns=NewFeedSchema,
    status=201,
)
def make_feed(context: ProductFeed, request: Request) -> dict[str, Any]:
    """For podcast players and others that log in nowhere. The URLs have a token: keep them to yourself.

    A product has one feed: if it is made again, the URLs of before open nothing any more.
    """
    identity = request.identity
    feed = services.make_feed(context.scope, identity.id, identity.session_id, context.product)
    root = request.resource_url(find_interface(context, ApiV1), "feeds", str(feed.id))
    query = urlencode({"token": feed.token})
    names = ("id", "product_id", "title", "created_at", "used_at", "usable")
    return {
        **{name: getattr(feed, name) for name in names},
        "rss_url": f"{root}/rss?{query}",
        "playlist_url": f"{root}/playlist?{query}",
    }


@api_view(
    context=OwnFeeds,
    method="GET",
    summary="List your private feeds",
    permission=Permission.OWN,
    query=PageQuery,
    returns=page_of(FeedSchema),
)
def list_feeds(context: OwnFeeds, request: Request) -> dict[str, Any]:
    """Newest first, one for each product, also of a product that was refunded: it is not `usable`."""
    return services.feeds_of(context.scope, request.identity.id, request.query)


@api_view(
    context=OwnFeed,
    method="DELETE",
    summary="Revoke a private feed",
    permission=Permission.OWN,
    status=204,
)
def revoke_feed(context: OwnFeed, request: Request) -> None:
    """Its URLs open nothing any more, at once."""
    services.revoke_feed(context.scope, request.identity.id, context.feed_id)


@api_view(
    context=OpenFeed,
    method="GET",
    name="rss",
    summary="Get a private feed as a podcast",
    permission=PUBLIC,
    query=FeedQuery,
    media={domain.RSS_TYPE: "RSS 2.0 with the members of podcasts"},
    also={304: None},
    errors=(TooManyRequests,),
    transaction="none",
)
def get_rss(context: OpenFeed, request: Request) -> Response:
    """An item for each track that the owner gets, in their order. A refund or the owner ends the feed."""
    return _document(request, domain.rss(_channel(context, request)), domain.RSS_TYPE)


@api_view(
    context=OpenFeed,
    method="GET",
    name="playlist",
    summary="Get a private feed as a playlist",
    permission=PUBLIC,
    query=FeedQuery,
    media={domain.PLAYLIST_TYPE: "M3U in UTF-8, with titles and durations"},
    also={304: None},
    errors=(TooManyRequests,),
    transaction="none",
)
def get_playlist(context: OpenFeed, request: Request) -> Response:
    """The same tracks. The URLs in it hold as long as the feed."""
    answer = _document(request, domain.playlist(_channel(context, request)), domain.PLAYLIST_TYPE)
    answer.content_disposition = 'inline; filename="playlist.m3u8"'
    return answer


def _channel(context: OpenFeed, request: Request) -> Channel:
    query = request.query
    feed = services.opened(context.scope, context.feed_id, query["token"])
    release = services.content_of(context.scope, feed, query["format"])
    image = None
    if release.cover is not None:
        image = ImageDocuments(context).document(release.cover, release.channel.title)["urls"]["full"]
    passed = {name: query[name] for name in ("token", "format") if query[name]}

    def url_of(track_id: str, extension: str) -> str:
        path = request.resource_url(context, "tracks", track_id, "stream")
        # Some players look at the end of the URL for the kind of file.
        return f"{path}?{urlencode({**passed, 'file': f'track{extension}'})}"

    url = f"{request.resource_url(context, 'rss')}?{urlencode(passed)}"
    return services.with_urls(release, url, image, url_of)


def _document(request: Request, content: bytes, media_type: str) -> Response:
    answer = Response(content, content_type=media_type, charset="utf-8", conditional_response=True)
    answer.cache_control = "private, no-cache"
    answer.md5_etag()
    return answer


@api_view(
    context=FeedTrack,
    method="GET",
    name="stream",
    summary="Listen to a track of a private feed",
    permission=PUBLIC,
    **_OF_A_TRACK,
)
def stream_from_feed(context: FeedTrack, request: Request) -> Response:
    """By the URL in the feed, which needs no login. Each request counts for the limit of the feed."""
    feed = services.opened(context.scope, context.feed_id, request.query["token"])
    found = services.file_of(context.scope, feed, context.track_id, request.query["format"])
    download = Download(found.customer_id, found.product_id, context.track_id, "stream")
    with bound_contextvars(track=str(context.track_id)):
        return answer_with_file(context.scope, request, found.area, found.file, "inline", download=download)
