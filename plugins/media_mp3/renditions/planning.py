"""Which renditions there have to be, what each is made of, and which are missing or outdated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from operator import itemgetter
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import selectinload

from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.images import CurrentImage, images_of
from autonomy_core.plugin_api.media import (
    ENCODING_VERSIONS,
    MediaFormat,
    Recording,
    TagStyle,
    TrackTags,
    media_formats,
)
from autonomy_core.plugin_api.models import among, utcnow
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.loudness.models import TrackLoudness
from media_mp3.models import Track
from media_mp3.previews.domain import KEY_PREFIX
from media_mp3.previews.planning import choices_of, has_previews, preview_format
from media_mp3.renditions.domain import (
    FAILED,
    MOST_ATTEMPTS,
    MP3,
    PASSING,
    READY,
    RUNNING,
    STORAGE_UNAVAILABLE,
    WAITING,
    Ingredients,
)
from media_mp3.renditions.models import Rendition
from media_mp3.settings import PLUGIN, PRODUCT_IMAGE, TRACK_IMAGE, shop_url

OF_PRODUCT: Final = frozenset({"title", "artist", "release_date"})
"""The values of a product that `_tags` reads."""


class UploadedMp3:
    """A `MediaFormat`: a master that is MP3, with the shop's tags. ffmpeg makes only the tag."""

    name, title, media_type, extension = MP3, "MP3", "audio/mpeg", ".mp3"
    lossless, encoder = False, "copy"
    tags: TagStyle = "id3"

    def options(self, recording: Recording) -> Sequence[str]:
        """Return ffmpeg's options, with which it copies a few frames."""
        return ("-c:a", self.encoder, "-t", "0.2", "-f", "mp3", "-id3v2_version", "3")


UPLOADED_MP3: Final[MediaFormat] = UploadedMp3()


@dataclass(frozen=True, slots=True)
class WantedRendition:
    """A rendition that there has to be.

    Attributes:
        master: the key of the master's file.
        recording: the shape of the master.
        tags: the texts of the file.
        cover: of the track, or else of the product; None for none.
        cover_of: what has the cover: the kind of thing, and its id.
        fingerprint: see `Ingredients`.
    """

    track_id: UUID
    product_id: UUID
    format: MediaFormat
    master: str
    master_format: str
    master_size: int
    recording: Recording
    tags: TrackTags
    cover: CurrentImage | None
    cover_of: tuple[str, UUID]
    fingerprint: str

    @property
    def is_preview(self) -> bool:
        """Whether visitors hear it, and buyers do not get it."""
        return self.format.name.startswith(KEY_PREFIX)


def sold_formats(scope: TenantScope) -> list[MediaFormat]:
    """The formats that the organisation's ini file lists, in its order. Unknown names are left out."""
    known = media_formats(scope)
    return [known[name] for name in scope.settings(PLUGIN)["formats"] if name in known]


def formats_of(track: Track, sold: Sequence[MediaFormat]) -> Sequence[MediaFormat]:
    """The formats of a track. An MP3 is not encoded again, which would only make it worse.

    Args:
        sold: what `sold_formats` returned.
    """
    return [UPLOADED_MP3] if track.format == "mp3" and sold else sold


def wanted_renditions(
    scope: TenantScope, product_ids: Collection[UUID] | None = None
) -> list[WantedRendition]:
    """The renditions that there have to be, previews included, in the order in which they are made.

    Args:
        product_ids: of the products whose tracks are looked at; None for all.
    """
    sold = sold_formats(scope)
    previews = has_previews(scope)
    if not sold and not previews:
        return []
    loudness = selectinload(Track.loudness_row)
    if previews:
        loudness = loudness.undefer(TrackLoudness.levels)
    statement = select(Track).order_by(Track.product_id, Track.position.nulls_last(), Track.id)
    statement = statement.options(loudness)
    if product_ids is not None:
        statement = statement.where(Track.product_id.in_(product_ids))
    tracks = scope.session.scalars(statement.execution_options(populate_existing=True)).all()
    found = {track.product_id for track in tracks}
    products = {
        each.id: each for each in scope.session.scalars(select(Product).where(among(Product.id, found)))
    }
    covers = images_of(scope, PRODUCT_IMAGE, found)
    own_covers = images_of(scope, TRACK_IMAGE, [track.id for track in tracks])
    places = _places(tracks)
    shop = shop_url(scope)
    choices = choices_of(scope, tracks)
    made = []
    for track in tracks:
        preview = preview_format(track, choices[track.id])
        if preview is not None:
            made.append(_wanted(track, preview, TrackTags(title="")))
        product, cover = products[track.product_id], own_covers.get(track.id) or covers.get(track.product_id)
        tags = _tags(track, product, places.get(track.id, (None, None)), shop)
        cover_of = (TRACK_IMAGE, track.id) if track.id in own_covers else (PRODUCT_IMAGE, track.product_id)
        made += [_wanted(track, each, tags, cover, cover_of) for each in formats_of(track, sold)]
    return made


def _places(tracks: Sequence[Track]) -> dict[UUID, tuple[str, str | None]]:
    """The number of each track on its disc, and of its disc, as tags write them: ``3/9``."""
    present = [track for track in tracks if track.removed_at is None]
    totals = Counter((track.product_id, track.disc_number or 1) for track in present)
    discs = Counter(product_id for product_id, _ in totals)
    numbers: Counter[tuple[UUID, int]] = Counter()
    places = {}
    for track in present:
        disc = track.product_id, track.disc_number or 1
        numbers[disc] += 1
        of_discs = f"{disc[1]}/{discs[track.product_id]}" if discs[track.product_id] > 1 else None
        places[track.id] = f"{numbers[disc]}/{totals[disc]}", of_discs
    return places


def _tags(
    track: Track, product: Product, place: tuple[str | None, str | None], shop: str | None
) -> TrackTags:
    shown = product.shown
    year = str(track.year) if track.year else None
    date = shown.release_date.isoformat() if shown.release_date else year
    return TrackTags(
        title=track.title,
        artist=track.artist or shown.artist,
        album=product.title,
        album_artist=shown.artist,
        track=place[0],
        disc=place[1],
        date=date,
        genre=track.genre,
        isrc=track.isrc,
        comment=shop,
        gain=track.loudness.replay_gain if track.loudness else None,
    )


def _wanted(
    track: Track,
    media_format: MediaFormat,
    tags: TrackTags,
    cover: CurrentImage | None = None,
    cover_of: tuple[str, UUID] | None = None,
) -> WantedRendition:
    recording = Recording(track.sample_rate or 44100, track.channels or 2, track.bits or 16, track.samples)
    if media_format.tags in ("riff", "none"):
        cover = None
    if media_format.tags == "none":
        tags = TrackTags(title="")
    ingredients = Ingredients(
        ENCODING_VERSIONS[media_format.tags],
        track.sha256,
        media_format.name,
        list(media_format.options(recording)),
        asdict(tags),
        cover.digest if cover else None,
    )
    return WantedRendition(
        track.id,
        track.product_id,
        media_format,
        track.storage_key,
        track.format,
        track.size,
        recording,
        tags,
        cover,
        cover_of or (PRODUCT_IMAGE, track.product_id),
        ingredients.fingerprint,
    )


def plan(scope: TenantScope, obstacle_to: Callable[[MediaFormat], str | None]) -> list[WantedRendition]:
    """Write the state of each rendition, and return those that have to be made now.

    Those without any file come first. Those that were tried before come last, the longest ago first: none of
    them keeps the others from being made, and each of them has its turn. A track whose master is lost was
    tried with all its formats, since they would fail for the same reason.
    No other job makes renditions of the organisation at the same time. So one that is running was
    interrupted.

    Args:
        obstacle_to: returns why this machine cannot make a format, a code in `PASSING`; None if it can.
    """
    rows = {(row.track_id, row.format): row for row in scope.session.scalars(select(Rendition))}
    lost = _lost_masters(rows.values())
    absent: list[WantedRendition] = []
    outdated: list[WantedRendition] = []
    tried_before: list[tuple[tuple[datetime, datetime], WantedRendition]] = []
    for wanted in wanted_renditions(scope):
        row = rows.pop((wanted.track_id, wanted.format.name), None) or _added(scope, wanted)
        tried_at = lost.get(wanted.track_id, row.changed_at), row.changed_at
        reconsider(row, wanted.fingerprint, obstacle_to(wanted.format))
        if row.state != WAITING:
            continue
        if row.attempts or row.error or wanted.track_id in lost:
            tried_before.append((tried_at, wanted))
        else:
            (outdated if row.made else absent).append(wanted)
    keeps_files = _lists_unknown_formats(scope)
    for row in rows.values():  # the format is not sold any more
        if row.made is None or not keeps_files or row.format.startswith(KEY_PREFIX):
            forgotten = delete(Rendition).where(
                Rendition.track_id == row.track_id, Rendition.format == row.format
            )
            scope.session.execute(forgotten)
    scope.session.flush()
    return absent + outdated + [wanted for _, wanted in sorted(tried_before, key=itemgetter(0))]


def _added(scope: TenantScope, wanted: WantedRendition) -> Rendition:
    row = Rendition(
        organisation_id=scope.organisation.id,
        track_id=wanted.track_id,
        format=wanted.format.name,
        state=WAITING,
        wanted=wanted.fingerprint,
        attempts=0,
        changed_at=utcnow(),
    )
    scope.session.add(row)
    return row


def _lost_masters(rows: Iterable[Rendition]) -> dict[UUID, datetime]:
    """The tracks whose master could not be read, or whose file could not be stored, and when it was tried."""
    lost: dict[UUID, datetime] = {}
    for row in rows:
        if row.error == STORAGE_UNAVAILABLE:
            lost[row.track_id] = max(row.changed_at, lost.get(row.track_id, row.changed_at))
    return lost


def _lists_unknown_formats(scope: TenantScope) -> bool:
    """Whether the ini file lists a name that is no format: it is misspelt, or its plugin is not enabled.

    After the correction, the files of the meant format are needed again.
    """
    return not media_formats(scope).keys() >= set(scope.settings(PLUGIN)["formats"])


def reconsider(row: Rendition, fingerprint: str, obstacle: str | None = None) -> None:
    """Decide what is next for a rendition that is not being made.

    Args:
        fingerprint: of what it has to be made of now.
        obstacle: why this machine cannot make the format, a code in `PASSING`; None if it can.
    """
    if row.wanted != fingerprint:
        row.wanted, row.attempts = fingerprint, 0
        row.become(WAITING)
    if row.made == fingerprint:
        if row.state != READY:
            row.become(READY)
    elif row.state == RUNNING:
        over = row.attempts >= MOST_ATTEMPTS
        row.become(FAILED if over else WAITING, "encoding_interrupted" if over else None)
    elif row.state == READY or (row.state == FAILED and row.error in PASSING and row.error != obstacle):
        row.become(WAITING, row.error)
    if row.state == WAITING and obstacle is not None:
        row.become(FAILED, obstacle)
