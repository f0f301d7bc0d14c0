"""Use cases of tracks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import exists, func, select

from autonomy_core.plugin_api.audit import record
from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.grants import owns
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.texts import cleaned
from media_mp3.domain import Tags, TrackReport
from media_mp3.errors import StorageUnavailable, TrackExists, WrongKind
from media_mp3.models import Track
from media_mp3.settings import storage_of
from media_mp3.storage import FAILURES, storage_key
from media_mp3.tag_text import LONGEST_TEXT
from media_mp3.upload import Upload

log = structlog.get_logger(__name__)

KIND = "mp3"


def tracks_of(scope: TenantScope, product_id: UUID) -> Sequence[Track]:
    """A product's tracks, in their order."""
    statement = select(Track).where(Track.product_id == product_id).order_by(Track.position, Track.id)
    return scope.session.scalars(statement).all()


def owned_tracks(scope: TenantScope, customer_id: UUID, product_id: UUID) -> Sequence[Track]:
    """The tracks of a product that a customer owns.

    Raises:
        NotFound: they do not own it.
    """
    if not owns(scope, customer_id, product_id):
        raise NotFound
    return tracks_of(scope, product_id)


def find_track(scope: TenantScope, track_id: UUID) -> Track | None:
    """A track of this organisation, or None."""
    return scope.session.get(Track, (scope.organisation.id, track_id))


def require_ownership(scope: TenantScope, customer_id: UUID, track: Track) -> None:
    """Make sure that a customer may listen, now.

    Raises:
        NotFound: they do not own the product, any more or at all.
    """
    if not owns(scope, customer_id, track.product_id):
        raise NotFound


def open_recording(scope: TenantScope, track: Track, start: int, end_inclusive: int) -> Iterator[bytes]:
    """The bytes of a track. The file is found here; it is read while the iterator is consumed.

    Raises:
        StorageUnavailable: the file is not where it was stored, or is cut short.
    """
    try:
        return storage_of(scope).open_range(track.storage_key, start, end_inclusive)
    except FileNotFoundError as error:
        log.error("media_mp3.file_missing", track=str(track.id), key=track.storage_key)  # noqa: TRY400
        raise StorageUnavailable("The recording's file is missing.") from error
    except FAILURES as error:
        log.exception("media_mp3.file_unreadable", track=str(track.id), key=track.storage_key)
        raise StorageUnavailable("The recording's file cannot be read.") from error


def require_mp3(product: Product) -> None:
    """Make sure that a product may have tracks.

    Raises:
        WrongKind: it is of another kind.
    """
    if product.kind != KIND:
        raise WrongKind(f"Tracks belong to products of the kind {KIND!r}; this one is a {product.kind!r}.")


def store(scope: TenantScope, upload: Upload) -> str:
    """Keep an accepted file, and give its key. A file that no track refers to is harmless: the next upload finds it.

    Raises:
        StorageUnavailable: it cannot be kept, for example because the disk is full.
    """
    key = storage_key(scope.organisation.id, upload.sha256)
    try:
        storage_of(scope).put_file(key, upload.path)
    except FAILURES as error:
        log.exception("media_mp3.file_not_stored", key=key)
        raise StorageUnavailable("The file could not be stored.") from error
    return key


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
        fields: what `UploadFieldsSchema` loads, as the staff gave it; None where they did not.

    Raises:
        TrackExists: the product has the same file already.
    """
    assert report.facts is not None  # noqa: S101 - for the type checker: an accepted file has them
    _lock_product(scope, product_id)
    _refuse_twice(scope, product_id, upload.sha256)
    said = {name: value for name, value in fields.items() if value}
    position = said.pop("position", None) or _last_position(scope, product_id) + 1
    track = Track(
        organisation_id=scope.organisation.id,
        product_id=product_id,
        position=position,
        **{**_tagged(report.tags, upload.filename), **said},
        duration_ms=report.facts.duration_ms,
        bitrate=report.facts.bitrate,
        size=upload.size,
        sha256=upload.sha256,
        storage_key=storage_key(scope.organisation.id, upload.sha256),
        filename=upload.filename,
        peaks=bytes(report.peaks),
        warnings=[{"code": warning.code, "detail": dict(warning.detail)} for warning in report.warnings],
    )
    scope.session.add(track)
    scope.session.flush()
    _record_added(scope, track, actor)
    return track


def _tagged(tags: Tags, filename: str) -> dict[str, Any]:
    """What is known of a track from its file alone."""
    return {
        "title": tags.title or cleaned(PurePath(filename).stem, LONGEST_TEXT) or "Untitled",
        "artist": tags.artist or tags.album_artist,
        "album": tags.album,
        "genre": tags.genre,
        "year": tags.year,
        "track_number": tags.track,
        "disc_number": tags.disc,
    }


def _record_added(scope: TenantScope, track: Track, actor: str) -> None:
    target, detail = f"track:{track.id}", {"product": str(track.product_id), "sha256": track.sha256}
    record(
        scope.session,
        scope.organisation.id,
        actor=actor,
        action="track.added",
        target=target,
        detail=detail,
    )


def has_tracks(scope: TenantScope, product_id: UUID) -> bool:
    """Whether a product has any."""
    return bool(scope.session.scalar(select(exists().where(Track.product_id == product_id))))


def _lock_product(scope: TenantScope, product_id: UUID) -> None:
    # Uploads to one product take turns here, so that two at once get different positions. Purchases do not wait.
    scope.session.execute(select(Product.id).where(Product.id == product_id).with_for_update(key_share=True))


def _refuse_twice(scope: TenantScope, product_id: UUID, sha256: str) -> None:
    same = (Track.product_id == product_id) & (Track.sha256 == sha256)
    known = scope.session.scalar(select(Track.id).where(same))
    if known is not None:
        raise TrackExists(f"It is the track {known}.", extra={"track_id": str(known)})


def _last_position(scope: TenantScope, product_id: UUID) -> int:
    highest = select(func.max(Track.position)).where(Track.product_id == product_id)
    return scope.session.scalar(highest) or 0
