"""Use cases of tracks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, exists, func, or_, select
from sqlalchemy.orm import selectinload

from autonomy_core.plugin_api.audit import change
from autonomy_core.plugin_api.catalog import Product, index_again, require_available
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.files import FileArea, ServedFile, Upload, keep_upload, store_upload
from autonomy_core.plugin_api.payments import bought_at
from autonomy_core.plugin_api.protocols import ListedFormat, ListedTrack
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import STAFF, Identity
from autonomy_core.plugin_api.statements import compiled, parameter
from autonomy_core.plugin_api.texts import cleaned
from media_mp3.archives.checksums import checksum_of_file, keep_checksum
from media_mp3.domain import MOST_TRACKS, AudioFacts, Tags, TrackReport
from media_mp3.editing import (
    file_values,
    free_position,
    lock_product,
    record_track,
    recorded_file,
    refuse_twice,
    replace_file,
)
from media_mp3.errors import TooManyTracks, WrongKind
from media_mp3.inspection.intake import accepted
from media_mp3.models import Track
from media_mp3.previews.services import preview_urls
from media_mp3.renditions.domain import MASTERS
from media_mp3.renditions.services import FinishedFile, finished_files
from media_mp3.settings import TRACK_IMAGE, area_of
from media_mp3.tags.text import LONGEST_TEXT

KIND = "mp3"
SINGLE = "mp3_track"
"""The kind of products that are one track of a product of the kind `KIND`."""


def tracks_of(scope: TenantScope, product_id: UUID) -> Sequence[Track]:
    """A product's tracks, in their order; the removed ones come last."""
    statement = select(Track).where(Track.product_id == product_id).options(selectinload(Track.loudness_row))
    return scope.session.scalars(statement.order_by(Track.position.nulls_last(), Track.id)).all()


def listed_tracks(
    scope: TenantScope, product_ids: Collection[UUID], *, of_singles: bool = False
) -> dict[UUID, list[ListedTrack]]:
    """The tracks that visitors see, by product: neither removed nor hidden, numbered on each disc.

    Args:
        of_singles: whether the products are those with which tracks are sold alone.
    """
    owner = Track.single_id if of_singles else Track.product_id
    statement = (
        select(Track)
        .where(owner.in_(product_ids), Track.removed_at.is_(None), ~Track.hidden)
        .order_by(Track.position)
    )
    found: dict[UUID, list[ListedTrack]] = {}
    numbers: Counter[tuple[UUID, int]] = Counter()
    tracks = scope.session.scalars(statement).all()
    finished, previews = finished_files(scope, tracks), preview_urls(scope, tracks)
    for track in tracks:
        disc = track.disc_number or 1
        product_id = getattr(track, owner.key)
        numbers[product_id, disc] += 1
        found.setdefault(product_id, []).append(
            ListedTrack(
                id=track.id,
                title=track.title,
                artist=track.artist,
                duration_ms=track.duration_ms,
                disc=disc,
                number=numbers[product_id, disc],
                explicit=track.explicit,
                isrc=track.isrc,
                instant=track.instant,
                preview_url=previews.get(track.id),
                formats=_listed_formats(track, finished.get(track.id, [])),
                image=TRACK_IMAGE,
                product_id=None if of_singles else track.single_id,
            )
        )
    return found


def _listed_formats(track: Track, finished: Sequence[FinishedFile]) -> tuple[ListedFormat, ...]:
    """The formats that a buyer gets: the finished ones, or that of the master."""
    found = [ListedFormat(each.format.name, each.format.title, each.format.lossless) for each in finished]
    master = ListedFormat(track.format, track.format.upper(), track.format != "mp3")
    return tuple(found) or (master,)


def master_file(track: Track) -> tuple[FileArea, ServedFile, str]:
    """The uploaded file of a track: where it is kept, how it is served, and the extension of its name."""
    media_type, extension = MASTERS[track.format]
    file = ServedFile(track.storage_key, track.size, track.sha256, media_type, track.stored_at)
    return area_of(track.format), file, extension


def owned_tracks(scope: TenantScope, customer_id: UUID, product_id: UUID) -> Sequence[Track]:
    """The tracks that a customer gets of a product: its present ones, and those removed after the purchase.

    A product with which a track is sold alone has that track.

    Raises:
        NotFound: the customer does not own the product.
    """
    since = bought_at(scope, customer_id, product_id)
    if since is None:
        raise NotFound
    content = select(Track).where(or_(Track.product_id == product_id, Track.single_id == product_id))
    content = content.options(selectinload(Track.loudness_row))
    tracks = scope.session.scalars(content.order_by(Track.position.nulls_last(), Track.id))
    return [track for track in tracks if track.belongs_to_purchase_of(since)]


def release_of(scope: TenantScope, product_id: UUID) -> UUID:
    """The product whose release date counts for a product: the release of a single track, or itself."""
    release = scope.session.scalar(select(Track.product_id).where(Track.single_id == product_id))
    return product_id if release is None else release


def find_track(scope: TenantScope, track_id: UUID) -> Track | None:
    """A track of this organisation, or None."""
    return scope.session.get(Track, (scope.organisation.id, track_id))


def require_listener(scope: TenantScope, identity: Identity, track: Track) -> None:
    """Make sure that a caller may listen now. For staff, the permission of the key was checked before.

    Raises:
        NotFound: the customer owns neither the product nor the track alone, or bought it after the track was
            removed.
        NotAvailableYet: the product is released later, and the track is not instant.
    """
    if STAFF in identity.principals:
        return
    if not any(_bought(scope, identity.id, each, track) for each in (track.product_id, track.single_id)):
        raise NotFound
    if not track.instant:
        require_available(scope, track.product_id)


def _bought(scope: TenantScope, customer_id: UUID, product_id: UUID | None, track: Track) -> bool:
    """Whether a customer has bought a product while a track was in it."""
    since = None if product_id is None else bought_at(scope, customer_id, product_id)
    return since is not None and track.belongs_to_purchase_of(since)


def require_mp3(product: Product) -> None:
    """Make sure that a product is of the kind that has tracks.

    Raises:
        WrongKind: it is of another kind.
    """
    if product.kind != KIND:
        raise WrongKind(f"Tracks belong to products of the kind {KIND!r}; this one is a {product.kind!r}.")


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A track, and the facts of its file."""

    track: Track
    facts: AudioFacts | None


def add_uploaded(
    scope: TenantScope, product_id: UUID, upload: Upload, fields: dict[str, Any], *, actor: str
) -> Uploaded:
    """Inspect a received file, store it, and add it to a product.

    Args:
        scope: in no transaction, so that no connection is held while the file is inspected and stored.
        fields: see `add_track`.

    Raises:
        NotPlayable, InspectionBusy, TrackExists, TooManyTracks, StorageUnavailable
    """
    report = accepted(scope, upload)
    area, crc32 = area_of(report.format), checksum_of_file(upload.path)
    key = store_upload(scope, area, upload)
    with scope.begin() as own:
        track = add_track(own, product_id, upload, report, fields, actor=actor)
        keep_checksum(own, key, crc32)
        keep_upload(own, area, upload)
    return Uploaded(track, report.facts)


def replace_with_uploaded(
    scope: TenantScope, product_id: UUID, track_id: UUID, upload: Upload, *, actor: str
) -> Uploaded:
    """Inspect a received file, store it, and give it to a track.

    Args:
        scope: in no transaction, see `add_uploaded`.

    Raises:
        NotPlayable, InspectionBusy, TrackExists, NotFound, StorageUnavailable
    """
    report = accepted(scope, upload)
    area, crc32 = area_of(report.format), checksum_of_file(upload.path)
    key = store_upload(scope, area, upload)
    with scope.begin() as own:
        track = replace_file(own, product_id, track_id, upload, report, actor=actor)
        keep_checksum(own, key, crc32)
        keep_upload(own, area, upload)
    return Uploaded(track, report.facts)


def add_track(
    scope: TenantScope,
    product_id: UUID,
    upload: Upload,
    report: TrackReport,
    fields: dict[str, Any],
    *,
    actor: str,
) -> Track:
    """Add a stored file to a product.

    Args:
        report: of the accepted file.
        fields: the values that `UploadFieldsSchema` loads; None for those that were not sent.

    Raises:
        TrackExists: the product has the same file already.
        TooManyTracks: the product has as many tracks as it may have.
    """
    lock_product(scope, product_id)
    refuse_twice(scope, product_id, upload.sha256)
    _require_place(scope, product_id)
    said = {name: value for name, value in fields.items() if value}
    position = free_position(scope, product_id, said.pop("position", None))
    track = Track(
        organisation_id=scope.organisation.id,
        product_id=product_id,
        position=position,
        **{**_tagged(report.tags, upload.filename), **said},
        **file_values(scope, upload, report),
    )
    scope.session.add(track)
    scope.session.flush()
    added = {"title": track.title, "artist": track.artist, "position": position, **recorded_file(track)}
    record_track(scope, "track.added", track, actor, change({}, added))
    index_again(scope, product_id)
    return track


def _require_place(scope: TenantScope, product_id: UUID) -> None:
    tracks = select(func.count()).select_from(Track).where(Track.product_id == product_id)
    if (scope.session.scalar(tracks) or 0) >= MOST_TRACKS:
        raise TooManyTracks(f"A product has at most {MOST_TRACKS} tracks, also removed ones.")


def _tagged(tags: Tags, filename: str) -> dict[str, Any]:
    """The texts of a track, from the tags and the name of its file."""
    return {
        "title": tags.title or cleaned(PurePath(filename).stem, LONGEST_TEXT) or "Untitled",
        "artist": tags.artist or tags.album_artist,
        "album": tags.album,
        "genre": tags.genre,
        "year": tags.year,
        "track_number": tags.track,
        "disc_number": tags.disc,
    }


def has_tracks(scope: TenantScope, product_id: UUID) -> bool:
    """Whether a product has any."""
    values = {"organisation_id": scope.organisation.id, "product_id": product_id}
    return any(found for (found,) in scope.execute_at_driver(_HAS_TRACK, values))


def has_track(product: type[Product]) -> ColumnElement[bool]:
    """The condition, in SQL, that a product has a track which has not been removed."""
    return exists().where(
        Track.organisation_id == product.organisation_id,
        Track.product_id == product.id,
        Track.removed_at.is_(None),
    )


_HAS_TRACK = compiled(
    select(has_track(Product)).where(
        Product.organisation_id == parameter("organisation_id", Text()),
        Product.id == parameter("product_id", Uuid()),
    )
)
