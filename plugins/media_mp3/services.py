"""Use cases of tracks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import Any, BinaryIO
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Text, Uuid, exists, func, select

from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.payments import bought_at
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import Identity
from autonomy_core.plugin_api.statements import Statement, compiled, parameter
from autonomy_core.plugin_api.texts import cleaned
from media_mp3.domain import AudioFacts, Tags, TrackReport
from media_mp3.editing import (
    file_values,
    free_position,
    lock_product,
    record_track,
    refuse_twice,
    replace_file,
)
from media_mp3.errors import StorageUnavailable, WrongKind
from media_mp3.intake import accepted
from media_mp3.models import Track
from media_mp3.settings import storage_of
from media_mp3.storage import FAILURES, storage_key
from media_mp3.tag_text import LONGEST_TEXT
from media_mp3.upload import Upload

log = structlog.get_logger(__name__)

KIND = "mp3"


def tracks_of(scope: TenantScope, product_id: UUID) -> Sequence[Track]:
    """A product's tracks, in their order; those that were removed come last."""
    statement = select(Track).where(Track.product_id == product_id)
    return scope.session.scalars(statement.order_by(Track.position.nulls_last(), Track.id)).all()


def owned_tracks(scope: TenantScope, customer_id: UUID, product_id: UUID) -> Sequence[Track]:
    """The tracks of a product that a customer owns: those of now, and those that were there when they bought it.

    Raises:
        NotFound: they do not own it.
    """
    since = bought_at(scope, customer_id, product_id)
    if since is None:
        raise NotFound
    return [track for track in tracks_of(scope, product_id) if track.belongs_to_purchase_of(since)]


def find_track(scope: TenantScope, track_id: UUID) -> Track | None:
    """A track of this organisation, or None."""
    return scope.session.get(Track, (scope.organisation.id, track_id))


def require_listener(scope: TenantScope, identity: Identity, track: Track) -> None:
    """Make sure that a caller may listen, now. Staff may: the permission of their key was checked before.

    Raises:
        NotFound: a customer does not own the product, any more or at all, or bought it after the track was removed.
    """
    if identity.kind == "staff":
        return
    since = bought_at(scope, identity.id, track.product_id)
    if since is None or not track.belongs_to_purchase_of(since):
        raise NotFound


def open_recording(
    scope: TenantScope,
    track: Track,
    start: int,
    end_inclusive: int,
    wrap: Callable[[BinaryIO], Iterable[bytes]] | None,
) -> Iterable[bytes]:
    """The bytes of a track. The file is found here; it is read while it is sent.

    Args:
        wrap: makes of an open file what the web server sends by itself (``wsgi.file_wrapper`` of PEP 3333); None where
            it cannot.

    Raises:
        StorageUnavailable: the file is not where it was stored, or is cut short.
    """
    try:
        storage = storage_of(scope)
        file = storage.open_local(track.storage_key, start, end_inclusive) if wrap else None
        if wrap and file:
            return wrap(file)
        return storage.open_range(track.storage_key, start, end_inclusive)
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
    """Keep an accepted file, and give its key. A file that no track refers to is found by the next upload, or collected.

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


def keep(scope: TenantScope, upload: Upload) -> None:
    """Make sure that the file of a track is stored when the track's transaction is committed.

    The file may have been there before the upload, and have been collected since.

    Raises:
        StorageUnavailable: see `store`.
    """
    lock_file(scope, storage_key(scope.organisation.id, upload.sha256))
    store(scope, upload)


def lock_file(scope: TenantScope, key: str) -> None:
    """Let one transaction at a time decide about a stored file."""
    lock = func.pg_advisory_xact_lock(func.hashtextextended(f"media_mp3.file {key}", 0))
    scope.session.execute(select(lock))


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A track, and what was found in its file."""

    track: Track
    facts: AudioFacts | None


def add_uploaded(
    scope: TenantScope, product_id: UUID, upload: Upload, fields: dict[str, Any], *, actor: str
) -> Uploaded:
    """Inspect a received file, store it, and add it to a product.

    Args:
        scope: in no transaction: none is held while the file is inspected and stored.
        fields: see `add_track`.

    Raises:
        NotPlayable, InspectionBusy, TrackExists, StorageUnavailable
    """
    report = accepted(scope, upload)
    store(scope, upload)
    with scope.begin() as own:
        track = add_track(own, product_id, upload, report, fields, actor=actor)
        keep(own, upload)
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
    store(scope, upload)
    with scope.begin() as own:
        track = replace_file(own, product_id, track_id, upload, report, actor=actor)
        keep(own, upload)
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
        fields: what `UploadFieldsSchema` loads, as the staff gave it; None where they did not.

    Raises:
        TrackExists: the product has the same file already.
    """
    lock_product(scope, product_id)
    refuse_twice(scope, product_id, upload.sha256)
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
    record_track(scope, "track.added", track, actor, {"sha256": track.sha256})
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


def has_tracks(scope: TenantScope, product_id: UUID) -> bool:
    """Whether a product has any."""
    values = {"organisation_id": scope.organisation.id, "product_id": product_id}
    return any(found for (found,) in scope.execute_directly(_statement_of_tracks(), values))


@cache
def _statement_of_tracks() -> Statement:
    return compiled(
        select(has_track(Product)).where(
            Product.organisation_id == parameter("organisation_id", Text()),
            Product.id == parameter("product_id", Uuid()),
        )
    )


def has_track(product: type[Product]) -> ColumnElement[bool]:
    """The condition, in SQL, that a product has a track which has not been removed."""
    return exists().where(
        Track.organisation_id == product.organisation_id,
        Track.product_id == product.id,
        Track.removed_at.is_(None),
    )
