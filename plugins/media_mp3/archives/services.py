"""Use cases of archives: in which formats a release may be had, and what an archive consists of."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select

from autonomy_core.plugin_api.catalog import Product, available_at, require_available
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.files import AssembledFile, FileArea, Part, StoredPart, attachment, size_of
from autonomy_core.plugin_api.images import jpeg_of
from autonomy_core.plugin_api.protocols import ListedFormat
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.archives.checksums import known_checksums
from media_mp3.archives.credit_notes import Release, credits_text
from media_mp3.archives.domain import MEDIA_TYPE, Choice, Member, Offer, choices, zip_parts
from media_mp3.archives.names import NumberedTrack, safe, track_labels, unique
from media_mp3.extras.domain import FORMATS
from media_mp3.extras.models import Extra
from media_mp3.extras.services import owned_extras
from media_mp3.models import Track
from media_mp3.renditions.domain import MASTERS, MP3
from media_mp3.renditions.services import finished_files
from media_mp3.services import owned_tracks, release_of
from media_mp3.settings import EXTRAS, PLUGIN, RENDITIONS, area_of, shop_url

NAME: Final = f"{PLUGIN}/archives"
"""What the hook ``on_download`` calls an archive."""

LARGEST_COVER: Final = 1200
"""The longest side of the cover in an archive, in pixels. It is in memory while it is sent."""

EXTRAS_FOLDER: Final = "Extras"
"""What the directory of the extras in an archive is called. Each file beside it has an extension."""


@dataclass(frozen=True, slots=True)
class TrackFile:
    """A stored file of a track.

    Attributes:
        stored: where it is.
        stored_at: since when the track has it, aware.
    """

    stored: StoredPart
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Archive:
    """A release in one format.

    Attributes:
        name: of the format.
        title: of the format, for people.
        lossless: whether each track is.
        tracks: their number.
        file: what a buyer downloads.
        disposition: the Content-Disposition that gives the saved file its name.
        available_at: the moment of the release in the future; None if buyers get it now.
        contents: the tracks and extras in it.
    """

    name: str
    title: str
    lossless: bool
    tracks: int
    file: AssembledFile
    disposition: str
    available_at: datetime | None
    contents: tuple[UUID, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return self.file.size


def archives_of(scope: TenantScope, customer_id: UUID, product: Product) -> list[Archive]:
    """The archives that a customer gets of a product, one for each format that all tracks have.

    Raises:
        NotFound: the customer does not own the product.
        StorageUnavailable: the cover cannot be read.
    """
    tracks = owned_tracks(scope, customer_id, product.id)
    extras = owned_extras(scope, customer_id, product.id)
    found = choices(offers_of(scope, tracks))
    keys = {each.content.stored.key for choice in found for each in choice.offers}
    keys_of_extras = {extra.storage_key for extra in extras}
    known = known_checksums(scope, keys | keys_of_extras)
    complete = [each for each in found if all(offer.content.stored.key in known for offer in each.offers)]
    if not complete or not keys_of_extras <= known.keys():
        return []
    released_with = release_of(scope, product.id)
    cover = jpeg_of(scope, "product", released_with, largest=LARGEST_COVER)
    later = available_at(scope, released_with)
    release = _Release(product, tracks, extras, known, cover, later, shop_url(scope))
    return [_archive(release, choice) for choice in complete]


def archive_of(scope: TenantScope, customer_id: UUID, product: Product, name: str) -> Archive:
    """The archive of a product in one format.

    Raises:
        NotFound: the customer does not own the product, or it may not be had in this format.
        NotAvailableYet: the product is released later.
        StorageUnavailable: the cover cannot be read.
    """
    found = {archive.name: archive for archive in archives_of(scope, customer_id, product)}
    if name not in found:
        raise NotFound
    require_available(scope, release_of(scope, product.id))
    return found[name]


def listed_formats(
    scope: TenantScope, product_ids: Collection[UUID], *, of_singles: bool = False
) -> dict[UUID, list[ListedFormat]]:
    """The formats in which a buyer gets each product as a whole.

    Args:
        of_singles: whether the products are those with which tracks are sold alone.
    """
    owner = Track.single_id if of_singles else Track.product_id
    statement = select(Track).where(owner.in_(product_ids), Track.removed_at.is_(None))
    by_product: dict[UUID, list[Track]] = {}
    for track in scope.session.scalars(statement.order_by(Track.position)):
        by_product.setdefault(getattr(track, owner.key), []).append(track)
    return {
        product_id: [
            ListedFormat(each.name, each.title, each.lossless) for each in choices(offers_of(scope, tracks))
        ]
        for product_id, tracks in by_product.items()
    }


def offers_of(scope: TenantScope, tracks: Sequence[Track]) -> list[list[Offer[TrackFile]]]:
    """What each track may be had in: the finished formats, or the master if there is none."""
    finished = finished_files(scope, tracks)
    return [
        [
            Offer(
                each.format.name,
                each.format.title,
                each.format.lossless,
                each.format.extension,
                _track_file(RENDITIONS, each.file.key, each.size, each.file.stored_at or track.stored_at),
            )
            for each in finished.get(track.id, ())
        ]
        or [_master(track)]
        for track in tracks
    ]


def _master(track: Track) -> Offer[TrackFile]:
    _, extension = MASTERS[track.format]
    file = _track_file(area_of(track.format), track.storage_key, track.size, track.stored_at)
    title, lossless = track.format.upper(), track.format != MP3
    return Offer(track.format, title, lossless, extension, file, is_master=True)


def _track_file(area: FileArea, key: str, size: int, stored_at: datetime) -> TrackFile:
    return TrackFile(StoredPart(area, key, size), stored_at)


@dataclass(frozen=True, slots=True)
class _Release:
    """What the archives of a product in all formats have in common."""

    product: Product
    tracks: Sequence[Track]
    extras: Sequence[Extra]
    checksums: Mapping[str, int]
    cover: bytes | None
    available_at: datetime | None
    url: str | None

    @property
    def label(self) -> str:
        artist, title = self.product.shown.artist, self.product.title
        return f"{artist} - {title}" if artist else title


def _archive(release: _Release, choice: Choice[TrackFile]) -> Archive:
    labels = track_labels([_numbered(track, release.product) for track in release.tracks])
    files = unique(
        [(safe(label, "track"), offer.extension) for label, offer in zip(labels, choice.offers, strict=True)]
        + [("cover", ".jpg"), ("credits", ".txt")]
    ) + _names_of_extras(release.extras)
    contents: list[tuple[Part, int, datetime]] = [
        (file.stored, release.checksums[file.stored.key], file.stored_at)
        for file in (offer.content for offer in choice.offers)
    ]
    latest = max(stored_at for _, _, stored_at in contents)
    texts = release.cover or b"", _credits(release, labels)
    contents += [(content, zlib.crc32(content), latest) for content in texts]
    contents += [
        (StoredPart(EXTRAS, key, extra.size), release.checksums[key], extra.created_at)
        for extra in release.extras
        for key in [extra.storage_key]
    ]
    directory = safe(release.label, "release")
    members = [
        Member(f"{directory}/{name}", size_of(part), crc32, changed_at, part)
        for name, (part, crc32, changed_at) in zip(files, contents, strict=True)
        if part
    ]
    return Archive(
        choice.name,
        choice.title,
        choice.lossless,
        len(release.tracks),
        AssembledFile(NAME, MEDIA_TYPE, tuple(zip_parts(members))),
        attachment(f"{release.label} ({choice.title})", ".zip", unnamed="release"),
        release.available_at,
        (*(track.id for track in release.tracks), *(extra.id for extra in release.extras)),
    )


def _names_of_extras(extras: Sequence[Extra]) -> list[str]:
    names = unique([(safe(extra.title, "extra"), FORMATS[extra.format].extension) for extra in extras])
    return [f"{EXTRAS_FOLDER}/{name}" for name in names]


def _numbered(track: Track, product: Product) -> NumberedTrack:
    artist = track.artist if track.artist != product.shown.artist else None
    return NumberedTrack(track.title, artist, track.disc_number or 1, is_listed=track.removed_at is None)


def _credits(release: _Release, labels: Sequence[str]) -> bytes:
    product, shown = release.product, release.product.shown
    lengths = [track.duration_ms for track in release.tracks]
    text = credits_text(
        Release(
            title=product.title,
            artist=shown.artist,
            label=shown.label,
            released=shown.release_date,
            upc=shown.upc,
            url=release.url,
            credits=shown.credits,
            tracks=list(zip(labels, lengths, strict=True)),
        )
    )
    return text.encode()
