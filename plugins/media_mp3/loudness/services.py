"""Which recordings have to be measured, what was found, and the loudness of whole releases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Final
from uuid import UUID

from sqlalchemy import Row, exists, select

from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.loudness.domain import AlbumLoudness, Measured, album_key, album_loudness
from media_mp3.loudness.models import TrackLoudness
from media_mp3.models import Track
from media_mp3.renditions.domain import FAILED, MOST_ATTEMPTS, PASSING
from media_mp3.renditions.models import Rendition

_LIMIT_REACHED: Final = "encoding_limit"


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A master that has to be measured. The attributes are those of the track, except for the last.

    Attributes:
        is_untried: see `TrackLoudness`.
    """

    track_id: UUID
    product_id: UUID
    sha256: str
    storage_key: str
    format: str
    size: int
    is_untried: bool


def unmeasured(scope: TenantScope) -> list[Unmeasured]:
    """The masters that have to be measured. After `MOST_ATTEMPTS` a master waits for staff.

    Those of products come first that have a track without a finished file, which buyers wait for. Those that
    were tried before come last, the longest ago first: none of them keeps the others from being measured, and
    each of them has its turn.
    """
    known = {row.track_id: row for row in scope.session.scalars(select(TrackLoudness))}
    finished = exists().where(
        Rendition.organisation_id == Track.organisation_id,
        Rendition.track_id == Track.id,
        Rendition.made.is_not(None),
    )
    awaited = select(Track.product_id).where(~finished)
    wanted_of = (Track.id, Track.product_id, Track.sha256, Track.storage_key, Track.format, Track.size)
    tracks = select(*wanted_of).order_by(Track.product_id.not_in(awaited), Track.id)
    untried: list[Unmeasured] = []
    tried_before: list[tuple[datetime, Unmeasured]] = []
    for each in scope.session.execute(tracks):
        row = known.get(each.id)
        if row is None or row.master != each.sha256 or row.is_untried:
            untried.append(Unmeasured(*each, is_untried=True))
        elif row.is_due:
            tried_before.append((row.changed_at, Unmeasured(*each, is_untried=False)))
    return untried + [wanted for _, wanted in sorted(tried_before, key=itemgetter(0))]


def begin(scope: TenantScope, wanted: Unmeasured) -> bool:
    """Count an attempt. False if it is not wanted any more."""
    key = (scope.organisation.id, wanted.track_id)
    track = scope.session.get(Track, key, populate_existing=True)
    if track is None or track.sha256 != wanted.sha256:
        return False
    row = _row(scope, wanted.track_id)
    if row is None:
        row = TrackLoudness(organisation_id=scope.organisation.id, track_id=wanted.track_id, attempts=0)
        scope.session.add(row)
    if row.master != wanted.sha256:
        row.restart(wanted.sha256)
    row.attempts += 1
    row.changed_at = utcnow()
    return True


def finish(scope: TenantScope, wanted: Unmeasured, measured: Measured) -> None:
    """Write what was measured, if the track still has the master."""
    row = _row(scope, wanted.track_id)
    if row is None or row.master != wanted.sha256:
        return
    row.integrated_lufs, row.range_lu = measured.integrated_lufs, measured.range_lu
    row.true_peak, row.levels = measured.true_peak, measured.levels
    row.error, row.measured_at = None, utcnow()
    row.changed_at = row.measured_at


def fail(scope: TenantScope, wanted: Unmeasured, code: str) -> None:
    """Write why a master could not be measured.

    Args:
        code: a key of `renditions.domain.ERRORS`.
    """
    row = _row(scope, wanted.track_id)
    if row is None or row.master != wanted.sha256:
        return
    if code in PASSING:
        row.attempts = 0
    elif code == _LIMIT_REACHED:
        row.attempts = MOST_ATTEMPTS
    row.error, row.changed_at = code, utcnow()


def retry(scope: TenantScope, track: Track) -> bool:
    """Have a track measured again from the first attempt on, if it failed. True if it did."""
    row = _row(scope, track.id)
    if row is None or row.state != FAILED:
        return False
    row.restart(row.master)
    return True


def settle_albums(scope: TenantScope) -> None:
    """Write the loudness of each release whose tracks have changed."""
    of_product: dict[UUID, list[Row[UUID, UUID, str, datetime | None]]] = defaultdict(list)
    tracks_of = select(Track.id, Track.product_id, Track.sha256, Track.removed_at)
    for track in scope.session.execute(tracks_of):
        of_product[track.product_id].append(track)
    rows = {row.track_id: row for row in scope.session.scalars(select(TrackLoudness))}
    for tracks in of_product.values():
        present = [rows.get(track.id) for track in tracks if track.removed_at is None]
        of_masters = {track.id: track.sha256 for track in tracks}
        measured = [row for row in present if row and row.is_of(of_masters[row.track_id])]
        if len(measured) == len(present) and measured:
            _settle(scope, measured)
        else:
            _forget(row for row in present if row)
        _forget(rows[track.id] for track in tracks if track.removed_at is not None and track.id in rows)
    scope.session.flush()


def _settle(scope: TenantScope, rows: Sequence[TrackLoudness]) -> None:
    key = album_key([row.master for row in rows])
    if all(row.album == key for row in rows):
        return
    ids = [row.track_id for row in rows]
    statement = select(TrackLoudness.levels, TrackLoudness.true_peak).where(TrackLoudness.track_id.in_(ids))
    found = album_loudness((levels or b"", peak or 0.0) for levels, peak in scope.session.execute(statement))
    for row in rows:
        row.be_in(key, found)


def _forget(rows: Iterable[TrackLoudness]) -> None:
    for row in rows:
        if row.album is not None:
            row.be_in(None, AlbumLoudness(None, 0.0))


def _row(scope: TenantScope, track_id: UUID) -> TrackLoudness | None:
    key = (scope.organisation.id, track_id)
    return scope.session.get(TrackLoudness, key, with_for_update=True, populate_existing=True)
