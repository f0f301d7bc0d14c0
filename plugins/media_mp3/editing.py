"""Use cases of existing tracks: change, move, replace, remove and restore them.

The changes of one product's tracks run one at a time, by a lock on the product. Purchases do not wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from autonomy_core.plugin_api.audit import change, record
from autonomy_core.plugin_api.catalog import Product, index_again
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.files import Upload, key_of
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.domain import TrackReport
from media_mp3.errors import TrackExists, TrackRemoved, TracksDiffer
from media_mp3.models import Track
from media_mp3.renditions.services import request_renditions
from media_mp3.settings import area_of
from media_mp3.singles.titles import rename_single


def change_track(
    scope: TenantScope, product_id: UUID, track_id: UUID, changes: dict[str, Any], *, actor: str
) -> Track:
    """Change the given fields of a track. If its new position is taken, the other tracks move on.

    Args:
        changes: what `TrackChangesSchema` loads.

    Raises:
        TrackRemoved: the track was removed, and would get a position.
        NotFound: the track was deleted in the meantime.
    """
    track = locked_track(scope, product_id, track_id)
    before = {name: _value(track, name) for name in changes}
    plain = {name: value for name, value in changes.items() if name not in ("position", "removed")}
    for name, value in plain.items():
        setattr(track, name, value)
    if changes.get("removed") is True:
        _remove(track)
    elif changes.get("removed") is False:
        _restore(scope, track)
    if "position" in changes:
        _move(scope, track, changes["position"])
    scope.session.flush()
    if "title" in changes:
        rename_single(scope, track, before["title"], actor=actor)
    after = {name: _value(track, name) for name in changes}
    record_track(scope, "track.changed", track, actor, change(before, after))
    if changes.keys() & {"title", "hidden", "removed"}:
        index_again(scope, product_id)
    return track


def _value(track: Track, name: str) -> Any:
    return track.removed_at is not None if name == "removed" else getattr(track, name)


def remove_track(scope: TenantScope, product_id: UUID, track_id: UUID, *, actor: str) -> None:
    """Take a track out of its product. To remove it again does nothing.

    Customers who began to buy the product before the removal keep the track.

    Raises:
        NotFound: the track was deleted in the meantime.
    """
    track = locked_track(scope, product_id, track_id)
    if track.removed_at is None:
        before = {"removed": False, "position": track.position}
        _remove(track)
        scope.session.flush()
        after = {"removed": True, "position": track.position}
        record_track(scope, "track.removed", track, actor, change(before, after))
        index_again(scope, product_id)


def replace_file(
    scope: TenantScope,
    product_id: UUID,
    track_id: UUID,
    upload: Upload,
    report: TrackReport,
    *,
    actor: str,
) -> Track:
    """Give a track another stored file. Its texts and its place stay. All owners hear the new file.

    Args:
        report: of the accepted file.

    Raises:
        TrackExists: another track of the product has the same file.
        NotFound: the track was deleted in the meantime.
    """
    track = locked_track(scope, product_id, track_id)
    before = recorded_file(track)
    refuse_twice(scope, track.product_id, upload.sha256, but=track.id)
    for name, value in file_values(scope, upload, report).items():
        setattr(track, name, value)
    track.stored_at = utcnow()
    scope.session.flush()
    record_track(scope, "track.replaced", track, actor, change(before, recorded_file(track)))
    return track


def reorder(scope: TenantScope, product_id: UUID, track_ids: Sequence[UUID], *, actor: str) -> None:
    """Number the tracks of a product again, from 1.

    Args:
        track_ids: of each track that is not removed, in the new order.

    Raises:
        TracksDiffer: these are not the product's tracks.
    """
    lock_product(scope, product_id)
    present = select(Track).where(Track.product_id == product_id, Track.removed_at.is_(None))
    tracks = {
        track.id: track for track in scope.session.scalars(present.execution_options(populate_existing=True))
    }
    if len(track_ids) != len(tracks) or set(track_ids) != tracks.keys():
        raise TracksDiffer(f"The product has {len(tracks)} tracks; name each of them once.")
    before = sorted(tracks, key=lambda track_id: tracks[track_id].position or 0)
    for position, track_id in enumerate(track_ids, start=1):
        tracks[track_id].position = position
    scope.session.flush()
    detail = change({"tracks": before}, {"tracks": list(track_ids)})
    record(scope, actor=actor, action="tracks.reordered", target=f"product:{product_id}", detail=detail)
    request_renditions(scope)


def lock_product(scope: TenantScope, product_id: UUID) -> None:
    """Lock a product for a change of its tracks. Purchases do not wait for the lock."""
    scope.session.execute(select(Product.id).where(Product.id == product_id).with_for_update(key_share=True))


def refuse_twice(scope: TenantScope, product_id: UUID, sha256: str, *, but: UUID | None = None) -> None:
    """Make sure that no other track of a product has the same file.

    Raises:
        TrackExists: another track has it, removed or not.
    """
    same = (Track.product_id == product_id) & (Track.sha256 == sha256) & (Track.id != but)
    known = scope.session.execute(select(Track.id, Track.removed_at).where(same)).one_or_none()
    if known is not None:
        hint = " It was removed; PATCH it with removed = false." if known.removed_at else ""
        raise TrackExists(f"It is the track {known.id}.{hint}", extra={"track_id": str(known.id)})


def file_values(scope: TenantScope, upload: Upload, report: TrackReport) -> dict[str, Any]:
    """The values of a track that describe its file."""
    facts = report.facts
    assert facts is not None  # noqa: S101 - for the type checker: an accepted file has them
    return {
        "duration_ms": facts.duration_ms,
        "bitrate": facts.bitrate,
        "format": facts.format,
        "sample_rate": facts.sample_rate,
        "channels": facts.channels,
        "bits": facts.bits,
        "samples": facts.samples,
        "size": upload.size,
        "sha256": upload.sha256,
        "storage_key": key_of(scope, area_of(facts.format), upload.sha256),
        "filename": upload.filename,
        "peaks": bytes(report.peaks),
        "warnings": [{"code": found.code, "detail": dict(found.detail)} for found in report.warnings],
    }


def free_position(scope: TenantScope, product_id: UUID, wanted: int | None) -> int:
    """Return a free position: the wanted one, or the one after the last track.

    If a track has the wanted position, the tracks from there on move up by one.
    """
    of_product = Track.product_id == product_id
    if wanted is None:
        return (scope.session.scalar(select(func.max(Track.position)).where(of_product)) or 0) + 1
    taken = select(Track.id).where(of_product, Track.position == wanted)
    if scope.session.scalar(taken) is not None:
        moved_on = update(Track).where(of_product, Track.position >= wanted)
        scope.session.execute(moved_on.values(position=Track.position + 1))
    return wanted


def recorded_file(track: Track) -> dict[str, Any]:
    """The values of a track's file for the audit trail."""
    return {name: getattr(track, name) for name in ("sha256", "filename", "format", "size")}


def record_track(
    scope: TenantScope, action: str, track: Track, actor: str, detail: dict[str, Any] | None = None
) -> None:
    """Write an action on a track to the audit trail, and have its formats made anew where that is needed."""
    # An answer has the loudness, also if it is made after the transaction.
    scope.session.refresh(track, ["loudness_row"])
    target, known = f"track:{track.id}", {"product": str(track.product_id), **(detail or {})}
    record(scope, actor=actor, action=action, target=target, detail=known)
    request_renditions(scope)


def locked_track(scope: TenantScope, product_id: UUID, track_id: UUID) -> Track:
    """The track as it is now, with the product locked for changes of its tracks."""
    lock_product(scope, product_id)
    found = scope.session.get(Track, (scope.organisation.id, track_id), populate_existing=True)
    if found is None:
        raise NotFound
    return found


def _move(scope: TenantScope, track: Track, position: int) -> None:
    if track.removed_at is not None:
        raise TrackRemoved("A track that was removed has no position.")
    if track.position != position:
        track.position = None
        scope.session.flush()
        track.position = free_position(scope, track.product_id, position)


def _remove(track: Track) -> None:
    if track.removed_at is None:
        track.removed_at, track.position = utcnow(), None


def _restore(scope: TenantScope, track: Track) -> None:
    if track.removed_at is not None:
        track.removed_at, track.position = None, free_position(scope, track.product_id, None)
