"""Reads what a buyer owns at this moment: a refund, a revocation or an erasure counts at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import defer, joinedload, selectinload

from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.files import FileArea, ServedFile
from autonomy_core.plugin_api.images import images_of
from autonomy_core.plugin_api.payments import all_bought_at
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.listening.services import plays_of
from media_mp3.models import Track
from media_mp3.renditions.services import FinishedFile, finished_files
from media_mp3.services import KIND, master_file
from media_mp3.settings import PRODUCT_IMAGE, RENDITIONS, TRACK_IMAGE
from media_mp3.subsonic.documents import Notes
from media_mp3.subsonic.domain import TRACK, identifier
from media_mp3.subsonic.library import UNKNOWN_ARTIST, Album, Library, Song, SongFile
from media_mp3.subsonic.models import Mark


@dataclass(frozen=True, slots=True)
class Source:
    """What `answer_with_file` takes for a `SongFile`."""

    area: FileArea
    file: ServedFile


def load(scope: TenantScope, customer_id: UUID, product_ids: Collection[UUID] | None = None) -> Library:
    """What a customer may hear now. Tracks that are released later are left out.

    A track that was bought alone is in the album of its release.

    Args:
        product_ids: the only albums to read; None for everything.
    """
    since = all_bought_at(scope, customer_id)
    products = products_of(scope, since, product_ids)
    tracks = [track for track in _tracks(scope, since, products) if _is_heard(track, products, since)]
    finished = finished_files(scope, tracks)
    covered = {
        *images_of(scope, PRODUCT_IMAGE, list(products)),
        *images_of(scope, TRACK_IMAGE, [track.id for track in tracks]),
    }
    of_product: dict[UUID, list[Track]] = {}
    for track in tracks:
        of_product.setdefault(track.product_id, []).append(track)
    albums = (
        _album(product, of_product.get(product.id, []), finished, began, covered)
        for product in products.values()
        if product.id in since or product.id in of_product
        for began in [_began(product, of_product.get(product.id, []), since)]
    )
    return Library(tuple(albums))


def products_of(
    scope: TenantScope, since: Mapping[UUID, datetime], product_ids: Collection[UUID] | None = None
) -> dict[UUID, Product]:
    """The albums of a customer by their ids, also those of which one track was bought alone.

    Args:
        since: what `all_bought_at` returned.
        product_ids: the only albums to read; None for all.
    """
    with_singles = select(Track.product_id).where(Track.single_id.in_(since))
    bought = or_(Product.id.in_(since), Product.id.in_(with_singles))
    statement = select(Product).where(bought, Product.kind == KIND)
    if product_ids is not None:
        statement = statement.where(Product.id.in_(product_ids))
    return {each.id: each for each in scope.session.scalars(statement.options(joinedload(Product.details)))}


def albums_with(scope: TenantScope, track_ids: Collection[UUID]) -> set[UUID]:
    """The products of tracks."""
    return set(scope.session.scalars(select(Track.product_id).where(Track.id.in_(track_ids))))


def _tracks(scope: TenantScope, bought: Collection[UUID], product_ids: Collection[UUID]) -> Sequence[Track]:
    statement = (
        select(Track)
        .where(
            Track.product_id.in_(product_ids),
            or_(Track.product_id.in_(bought), Track.single_id.in_(bought)),
        )
        .order_by(Track.product_id, Track.position.nulls_last(), Track.id)
        .options(defer(Track.peaks), defer(Track.lyrics), defer(Track.warnings))
        .options(selectinload(Track.loudness_row))
    )
    return scope.session.scalars(statement).all()


def _is_heard(track: Track, products: Mapping[UUID, Product], since: Mapping[UUID, datetime]) -> bool:
    is_released = track.instant or products[track.product_id].available_at is None
    return is_released and any(map(track.belongs_to_purchase_of, _moments(track, since)))


def _moments(track: Track, since: Mapping[UUID, datetime]) -> list[datetime]:
    """When the purchases of a track began: with its product, and alone."""
    ids = (track.product_id, track.single_id)
    return [since[product_id] for product_id in ids if product_id is not None and product_id in since]


def _began(product: Product, tracks: Sequence[Track], since: Mapping[UUID, datetime]) -> datetime:
    """When the purchase of a product began, or the first of its tracks."""
    return since.get(product.id) or min(moment for track in tracks for moment in _moments(track, since))


def _album(
    product: Product,
    tracks: Sequence[Track],
    finished: Mapping[UUID, list[FinishedFile]],
    since: datetime,
    covered: Collection[UUID],
) -> Album:
    shown = product.shown
    artists = {track.artist for track in tracks}
    artist = shown.artist or (artists.pop() if len(artists) == 1 else None) or UNKNOWN_ARTIST
    album = Album(
        id=product.id,
        title=product.title,
        artist=artist,
        label=shown.label,
        released=shown.release_date,
        genre=_most_common(track.genre for track in tracks),
        explicit=shown.explicit or any(track.explicit for track in tracks),
        created=since,
        has_cover=product.id in covered,
        songs=(),
    )
    numbers: Counter[int] = Counter()
    songs = []
    for track in tracks:
        numbers[track.disc_number or 1] += 1
        number = numbers[track.disc_number or 1]
        cover = identifier(TRACK, track.id) if track.id in covered else album.key if album.has_cover else None
        songs.append(_song(track, album, number, cover, files_of(track, finished.get(track.id, []))))
    return replace(album, songs=tuple(songs))


def _most_common(genres: Iterable[str | None]) -> str | None:
    counted = Counter(genre for genre in genres if genre)
    return counted.most_common(1)[0][0] if counted else None


def _song(track: Track, album: Album, number: int, cover: str | None, files: tuple[SongFile, ...]) -> Song:
    return Song(
        id=track.id,
        album_id=album.id,
        title=track.title,
        artist=track.artist or album.artist,
        album=album.title,
        album_artist=album.artist,
        number=number,
        disc=track.disc_number or 1,
        year=track.year or album.year,
        genre=track.genre,
        duration_ms=track.duration_ms,
        sample_rate=track.sample_rate,
        channels=track.channels,
        bits=track.bits,
        isrc=track.isrc,
        explicit=track.explicit,
        created=max(album.created, track.created_at),
        cover=cover,
        gain=_gain(track),
        files=files,
    )


def _gain(track: Track) -> dict[str, float | None] | None:
    gain = track.loudness.replay_gain if track.loudness else None
    if gain is None:
        return None
    return {
        "trackGain": gain.track_gain,
        "albumGain": gain.album_gain,
        "trackPeak": gain.track_peak,
        "albumPeak": gain.album_peak,
    }


def files_of(track: Track, finished: Sequence[FinishedFile]) -> tuple[SongFile, ...]:
    """The files that a player can get of a track: the shop's formats, or the master while there is none."""
    if not finished:
        area, file, extension = master_file(track)
        kbps = max(1, round(track.bitrate / 1000))
        lossless = track.format != "mp3"
        return (
            SongFile(
                track.format,
                extension[1:],
                file.media_type,
                kbps,
                track.size,
                lossless,
                Source(area, file),
            ),
        )
    return tuple(
        SongFile(
            each.format.name,
            each.format.extension[1:],
            each.format.media_type,
            # Bytes a millisecond, times eight, are kilobits a second.
            max(1, round(each.size * 8 / max(1, track.duration_ms))),
            each.size,
            each.format.lossless,
            Source(RENDITIONS, each.file),
        )
        for each in finished
    )


def notes_of(scope: TenantScope, customer_id: UUID) -> Notes:
    """What a customer has starred, rated and played."""
    rows = scope.session.scalars(select(Mark).where(Mark.customer_id == customer_id)).all()
    return Notes(
        starred={row.item: row.starred_at for row in rows if row.starred_at is not None},
        ratings={row.item: row.rating for row in rows if row.rating is not None},
        plays=plays_of(scope, customer_id),
    )
