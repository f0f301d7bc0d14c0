"""Use cases of feeds: to make, list and revoke them, and to open what a token opens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.plugin_api.catalog import Product, available_at, find_product
from autonomy_core.plugin_api.customers import find_customer, require_open_login
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.files import FileArea, ServedFile
from autonomy_core.plugin_api.images import CurrentImage, images_of
from autonomy_core.plugin_api.limits import Bucket, RateLimit, count_attempt
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import all_bought_at
from autonomy_core.plugin_api.schemas import paginate
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.feeds import domain
from media_mp3.feeds.domain import Channel, Episode
from media_mp3.feeds.models import Feed
from media_mp3.models import Track
from media_mp3.renditions.services import FinishedFile, finished_files
from media_mp3.services import master_file, owned_tracks, release_of
from media_mp3.settings import PLUGIN, PRODUCT_IMAGE, RENDITIONS, TRACK_IMAGE, shop_url

DAY: Final = timedelta(days=1)
PREFERRED: Final = ("audio/mpeg", "audio/mp4")
"""What podcast players play, the best first. Of other formats, the first one of the organisation is taken."""


@dataclass(frozen=True, slots=True)
class OwnedFeed:
    """A feed for its owner.

    Attributes:
        usable: whether it opens anything. It does not once the owner has lost the product.
        token: only of one that was just made; it cannot be shown again.
    """

    id: UUID
    product_id: UUID
    title: str
    created_at: datetime
    used_at: datetime | None
    usable: bool = True
    token: str | None = None


@dataclass(frozen=True, slots=True)
class FeedFile:
    """What a player gets of a track.

    Attributes:
        area: where the file is.
        file: what `answer_with_file` takes.
        customer_id: the owner of the feed.
        product_id: of the feed.
    """

    area: FileArea
    file: ServedFile
    customer_id: UUID
    product_id: UUID


@dataclass(frozen=True, slots=True)
class Release:
    """What a feed shows, without its URLs.

    Attributes:
        channel: its episodes have the extension of the file in place of the URL.
        cover: see `_cover`; None without one.
    """

    channel: Channel
    cover: CurrentImage | None
    product_id: UUID


def make_feed(scope: TenantScope, customer_id: UUID, session_id: UUID | None, product: Product) -> OwnedFeed:
    """Make the feed of a product. A feed that there was before ends.

    Args:
        scope: the scope of the organisation, in a transaction.
        customer_id: the customer.
        session_id: the login of the request.
        product: the product.

    Raises:
        NotFound: the customer does not own the product.
        NotAuthenticated: the login has ended, or the customer was erased or merged meanwhile.
    """
    require_open_login(scope, customer_id, session_id)
    owned_tracks(scope, customer_id, product.id)
    token, kept = domain.new_token()
    values = {
        "organisation_id": scope.organisation.id,
        "customer_id": customer_id,
        "product_id": product.id,
        "token_hash": kept,
    }
    new = insert(Feed).values(values)
    # The id changes as well, so that requests by the old URL count for no limit of the new one.
    changed = {name: new.excluded[name] for name in ("id", "token_hash", "created_at")}
    key = [Feed.organisation_id, Feed.customer_id, Feed.product_id]
    statement = new.on_conflict_do_update(index_elements=key, set_={**changed, "used_at": None})
    feed_id, created_at = scope.session.execute(statement.returning(Feed.id, Feed.created_at)).one()
    return OwnedFeed(feed_id, product.id, product.title, created_at, None, token=token)


def feeds_of(scope: TenantScope, customer_id: UUID, query: Mapping[str, Any]) -> dict[str, Any]:
    """A page of the feeds of a customer, also of products that the customer does not own any more.

    Args:
        query: what `PageQuery` loaded.
    """
    page = paginate(scope.session, select(Feed).where(Feed.customer_id == customer_id), Feed.id, query)
    feeds: list[Feed] = page["items"]
    named = select(Product.id, Product.title).where(Product.id.in_([feed.product_id for feed in feeds]))
    titles = {row.id: row.title for row in scope.session.execute(named)}
    owned = all_bought_at(scope, customer_id)
    return {
        **page,
        "items": [
            OwnedFeed(
                feed.id,
                feed.product_id,
                titles[feed.product_id],
                feed.created_at,
                feed.used_at,
                usable=feed.product_id in owned,
            )
            for feed in feeds
        ],
    }


def revoke_feed(scope: TenantScope, customer_id: UUID, feed_id: UUID) -> None:
    """End a feed at once.

    Raises:
        NotFound: the customer has no such feed.
    """
    mine = delete(Feed).where(Feed.id == feed_id, Feed.customer_id == customer_id)
    if scope.session.scalar(mine.returning(Feed.id)) is None:
        raise NotFound


def revoke_feeds(scope: TenantScope, customer_id: UUID) -> None:
    """End every feed of a customer at once."""
    scope.session.execute(delete(Feed).where(Feed.customer_id == customer_id))


def opened(scope: TenantScope, feed_id: UUID, token: str) -> Feed:
    """The feed that a token opens. Each call counts, since a token may have been passed on.

    Args:
        scope: in no transaction. The call is counted in one of its own, whose locks are short.

    Raises:
        NotFound: there is no such feed, or the token is not that of it, or the customer is blocked,
            erased or merged into another.
        TooManyRequests: it was opened more often in a day than the organisation allows.
    """
    with scope.begin() as own:
        feed = own.session.get(Feed, (scope.organisation.id, feed_id))
        if feed is None or not domain.is_token(token, feed.token_hash):
            raise NotFound
        customer = find_customer(own, feed.customer_id)
        if customer is None or not customer.is_current or customer.blocked_at is not None:
            raise NotFound
        limit = RateLimit(int(scope.settings(PLUGIN)["feed_requests_per_day"]), DAY)
        count_attempt(own, [Bucket("media_mp3.feed", str(feed_id), limit)])
        _note_use(own, feed_id)
        own.session.expunge(feed)
    return feed


def _note_use(scope: TenantScope, feed_id: UUID) -> None:
    now = utcnow()
    stale = or_(Feed.used_at.is_(None), Feed.used_at < now - timedelta(hours=1))
    scope.session.execute(update(Feed).where(Feed.id == feed_id, stale).values(used_at=now))


def content_of(scope: TenantScope, feed: Feed, format_name: str | None) -> Release:
    """What the owner of a feed may hear now. Before the release, these are the instant tracks.

    Args:
        scope: in no transaction.
        format_name: the format of the files; None for one that podcast players play.

    Raises:
        NotFound: the owner has lost the product.
    """
    with scope.begin() as own:
        product = _product(own, feed)
        tracks = _audible(own, feed)
        finished = finished_files(own, tracks)
        shown = product.shown
        episodes = [
            _episode(track, number, shown.artist, _chosen(track, finished.get(track.id, ()), format_name))
            for number, track in enumerate(tracks, start=1)
        ]
        channel = Channel(
            title=product.title,
            artist=shown.artist,
            description=product.description_text,
            url="",
            link=shop_url(scope) or "",
            image=None,
            language=next(iter(shown.languages), None),
            explicit=shown.explicit,
            # Some players hide an episode of the future. The instant tracks of a pre-order are heard now.
            published=(not product.available_at and shown.released_at) or product.created_at,
            episodes=episodes,
        )
        return Release(channel, _cover(own, feed, tracks), product.id)


def _cover(scope: TenantScope, feed: Feed, tracks: Sequence[Track]) -> CurrentImage | None:
    """That of the product. A track that is sold alone has its own, or else that of its release."""
    release_id = release_of(scope, feed.product_id)
    if release_id != feed.product_id:
        for cover in images_of(scope, TRACK_IMAGE, [track.id for track in tracks]).values():
            return cover
    return images_of(scope, PRODUCT_IMAGE, [release_id]).get(release_id)


def _episode(
    track: Track, number: int, artist: str | None, chosen: tuple[FileArea, ServedFile, str]
) -> Episode:
    _, file, extension = chosen
    return Episode(
        id=str(track.id),
        title=track.title,
        artist=track.artist or artist,
        duration_ms=track.duration_ms,
        disc=track.disc_number or 1,
        number=number,
        explicit=track.explicit,
        url=extension,
        size=file.size,
        media_type=file.media_type,
    )


def file_of(scope: TenantScope, feed: Feed, track_id: UUID, format_name: str | None) -> FeedFile:
    """The file of a track in a feed.

    Args:
        scope: in no transaction.
        format_name: see `content_of`.

    Raises:
        NotFound: the owner has lost the product, or may not hear this track now.
    """
    with scope.begin() as own:
        track = next((each for each in _audible(own, feed) if each.id == track_id), None)
        if track is None:
            raise NotFound
        area, file, _ = _chosen(track, finished_files(own, [track]).get(track.id, ()), format_name)
    return FeedFile(area, file, feed.customer_id, feed.product_id)


def _product(scope: TenantScope, feed: Feed) -> Product:
    product = find_product(scope, feed.product_id)
    if product is None:
        raise NotFound
    return product


def _audible(scope: TenantScope, feed: Feed) -> list[Track]:
    tracks = owned_tracks(scope, feed.customer_id, feed.product_id)
    is_early = available_at(scope, release_of(scope, feed.product_id)) is not None
    return [track for track in tracks if track.instant or not is_early]


def _chosen(
    track: Track, finished: Sequence[FinishedFile], format_name: str | None
) -> tuple[FileArea, ServedFile, str]:
    """The wanted format; else one that players play, or the master while none is ready."""
    named = [each for each in finished if each.format.name == format_name]
    played = [each for kind in PREFERRED for each in finished if each.file.media_type == kind]
    for each in (*named, *played, *finished):
        return RENDITIONS, each.file, each.format.extension
    return master_file(track)


def with_urls(release: Release, url: str, image: str | None, url_of: Callable[[str, str], str]) -> Channel:
    """The channel with the URLs of a request.

    Args:
        url: of the feed.
        image: of the cover.
        url_of: returns the URL of a track by its id and the extension of its file.
    """
    channel = release.channel
    episodes = [replace(each, url=url_of(each.id, each.url)) for each in channel.episodes]
    return replace(channel, url=url, link=channel.link or url, image=image, episodes=episodes)
