"""Collects in memory what is heard, and writes it every few seconds.

A player reports a position every few seconds, so a transaction for each would be too many. The price: a
process that is killed loses what it has collected since it wrote last, and what is read is as much older. So
is what was written if the COMMIT fails: it may have counted all the same, and a stream counts at most once.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sized
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from sqlalchemy import text

from autonomy_core.plugin_api.models import utcnow, uuid7
from autonomy_core.plugin_api.scope import TenantScope

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 50_000
"""Of each kind and organisation. It bounds the memory while the database cannot be reached."""

MOST_OF_CUSTOMER: Final = 1000
"""Plays and positions of one customer, who so leaves room for the others."""

Begun = Literal["stream", "download"]
Heard = tuple[UUID, UUID]
"""A customer and a track."""
Play = tuple[UUID, UUID, datetime]
"""A customer, a track, and when the customer began to hear it."""


@dataclass(slots=True)
class Waiting:
    """What one organisation's customers have heard since the last write.

    Attributes:
        plays: when each was reported first.
        positions: milliseconds, and when they were reported.
        begun: streams and downloads.
        of_customer: how many plays and positions each customer has here.
        dropped: how many plays, positions, streams and downloads found no room.
    """

    plays: dict[Play, datetime] = field(default_factory=dict)
    positions: dict[Heard, tuple[int, datetime]] = field(default_factory=dict)
    begun: Counter[tuple[UUID, date, Begun]] = field(default_factory=Counter)
    of_customer: Counter[UUID] = field(default_factory=Counter)
    dropped: int = 0

    def add_play(self, play: Play, reported_at: datetime) -> None:
        """Add a play, if there is room."""
        known = self.plays.get(play)
        if known is not None or self._takes(play[0], self.plays):
            self.plays[play] = min(known or reported_at, reported_at)

    def add_position(self, heard: Heard, position_ms: int, changed_at: datetime) -> None:
        """Set a position, if there is room. The newer one of two wins."""
        known = self.positions.get(heard)
        if self._takes(heard[0], self.positions) if known is None else known[1] <= changed_at:
            self.positions[heard] = (position_ms, changed_at)

    def add_begun(self, key: tuple[UUID, date, Begun], count: int = 1) -> None:
        """Count streams or downloads, if there is room."""
        if key in self.begun or len(self.begun) < MOST_WAITING:
            self.begun[key] += count
        else:
            self.dropped += count

    def add(self, older: Waiting) -> None:
        """Take back what could not be written, as far as there is room."""
        for play, reported_at in older.plays.items():
            self.add_play(play, reported_at)
        for heard, (position_ms, changed_at) in older.positions.items():
            self.add_position(heard, position_ms, changed_at)
        for key, count in older.begun.items():
            self.add_begun(key, count)

    def _takes(self, customer_id: UUID, kept: Sized) -> bool:
        has_room = len(kept) < MOST_WAITING and self.of_customer[customer_id] < MOST_OF_CUSTOMER
        if has_room:
            self.of_customer[customer_id] += 1
        else:
            self.dropped += 1
        return has_room


class Listening:
    """What this process has collected; see `autonomy_core.plugin_api.protocols.Flush`."""

    name = "media_mp3.listening"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, Waiting] = {}

    def played(self, organisation_id: str, customer_id: UUID, track_id: UUID, played_at: datetime) -> None:
        """Collect that a customer has heard a track."""
        with self._lock:
            self._of(organisation_id).add_play((customer_id, track_id, played_at), utcnow())

    def stopped(self, organisation_id: str, customer_id: UUID, track_id: UUID, position_ms: int) -> None:
        """Collect where a customer is in a track."""
        with self._lock:
            self._of(organisation_id).add_position((customer_id, track_id), position_ms, utcnow())

    def begun(self, organisation_id: str, track_id: UUID, purpose: Begun) -> None:
        """Count that a stream or a download has begun."""
        with self._lock:
            self._of(organisation_id).add_begun((track_id, utcnow().date(), purpose))

    def waiting(self) -> Iterable[str]:
        """The organisations with something that is not written yet."""
        with self._lock:
            return tuple(self._waiting)

    def write(self, scope: TenantScope) -> None:
        """Write what the organisation's customers have heard."""
        with self._lock:
            taken = self._waiting.pop(scope.organisation.id, Waiting())
        if taken.dropped:
            log.warning(
                "media_mp3.listening_dropped", organisation=scope.organisation.id, dropped=taken.dropped
            )
        try:
            _write(scope, taken)
        except Exception:
            with self._lock:
                self._of(scope.organisation.id).add(taken)
            raise

    def _of(self, organisation_id: str) -> Waiting:
        return self._waiting.setdefault(organisation_id, Waiting())


LISTENING: Final = Listening()
"""What this process has collected."""


# The locks make an erasure or a deletion of the history that is under way end first. They are taken in a
# statement of their own, since the next one sees what the other transaction has written. The rows are locked
# in the order of their ids, as elsewhere.
_LOCK_CUSTOMERS: Final = text(
    """
SELECT id FROM customers
WHERE customers.organisation_id = :organisation_id AND id = ANY(CAST(:customers AS uuid[]))
ORDER BY id FOR SHARE
"""
)

# A customer who was merged meanwhile is followed to the account. One who was erased, and a track that was
# deleted, are left out: what is left would otherwise wait forever.
_KNOWN: Final = """
WITH known AS MATERIALIZED (
    SELECT id FROM media_mp3_tracks
    WHERE media_mp3_tracks.organisation_id = :organisation_id AND id = ANY(CAST(:tracks AS uuid[]))
    ORDER BY id FOR KEY SHARE
)
"""
_PRESENT: Final = """, present AS MATERIALIZED (
    SELECT customers.id, COALESCE(merged_into, customers.id) AS account,
           COALESCE(deleted_at, '-infinity') AS forgotten_until
    FROM customers
    LEFT JOIN media_mp3_history_deletions AS deletions
        ON deletions.organisation_id = customers.organisation_id
        AND deletions.customer_id = COALESCE(merged_into, customers.id)
    WHERE customers.organisation_id = :organisation_id AND customers.id = ANY(CAST(:customers AS uuid[]))
        AND erased_at IS NULL
)
"""

_ADD_PLAYS = text(
    _KNOWN
    + _PRESENT
    + """
INSERT INTO media_mp3_plays (organisation_id, id, customer_id, track_id, played_at)
SELECT :organisation_id, given.id, present.account, given.track_id, given.played_at
FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:tracks AS uuid[]),
            CAST(:times AS timestamptz[]), CAST(:reported AS timestamptz[]))
    AS given(id, customer_id, track_id, played_at, reported_at)
JOIN present ON present.id = given.customer_id JOIN known ON known.id = given.track_id
WHERE LEAST(given.played_at, given.reported_at) > present.forgotten_until
ORDER BY given.played_at, given.id
ON CONFLICT DO NOTHING
RETURNING track_id, (played_at AT TIME ZONE 'UTC')::date
"""
)

_KEEP_POSITIONS = text(
    _KNOWN
    + _PRESENT
    + """
INSERT INTO media_mp3_positions AS kept (organisation_id, customer_id, track_id, position_ms, changed_at)
SELECT DISTINCT ON (present.account, given.track_id)
       :organisation_id, present.account, given.track_id, given.position_ms, given.changed_at
FROM unnest(CAST(:customers AS uuid[]), CAST(:tracks AS uuid[]), CAST(:positions AS bigint[]),
            CAST(:times AS timestamptz[])) AS given(customer_id, track_id, position_ms, changed_at)
JOIN present ON present.id = given.customer_id JOIN known ON known.id = given.track_id
WHERE given.changed_at > present.forgotten_until
ORDER BY present.account, given.track_id, given.changed_at DESC
ON CONFLICT (organisation_id, customer_id, track_id) DO UPDATE
SET position_ms = excluded.position_ms, changed_at = excluded.changed_at
WHERE kept.changed_at < excluded.changed_at
"""
)

_ADD_FIGURES = text(
    _KNOWN
    + """
INSERT INTO media_mp3_track_days AS kept (organisation_id, track_id, day, plays, streams, downloads)
SELECT :organisation_id, given.track_id, given.day, given.plays, given.streams, given.downloads
FROM unnest(CAST(:tracks AS uuid[]), CAST(:days AS date[]), CAST(:plays AS bigint[]),
            CAST(:streams AS bigint[]), CAST(:downloads AS bigint[]))
    AS given(track_id, day, plays, streams, downloads)
JOIN known ON known.id = given.track_id
ORDER BY given.track_id, given.day
ON CONFLICT (organisation_id, track_id, day) DO UPDATE
SET plays = kept.plays + excluded.plays, streams = kept.streams + excluded.streams,
    downloads = kept.downloads + excluded.downloads
"""
)


def _write(scope: TenantScope, taken: Waiting) -> None:
    if taken.of_customer:
        _execute(scope, _LOCK_CUSTOMERS, customers=list(taken.of_customer))
    if taken.positions:
        _execute(
            scope,
            _KEEP_POSITIONS,
            customers=[customer for customer, _ in taken.positions],
            tracks=[track for _, track in taken.positions],
            positions=[position for position, _ in taken.positions.values()],
            times=[changed_at for _, changed_at in taken.positions.values()],
        )
    figures: dict[tuple[UUID, date], Counter[str]] = {}
    if taken.plays:
        plays = sorted(taken.plays, key=lambda play: play[2])
        added = _execute(
            scope,
            _ADD_PLAYS,
            ids=[uuid7(played_at) for _, _, played_at in plays],
            customers=[customer for customer, _, _ in plays],
            tracks=[track for _, track, _ in plays],
            times=[played_at for _, _, played_at in plays],
            reported=[taken.plays[play] for play in plays],
        )
        for track_id, day in added:
            figures.setdefault((track_id, day), Counter())["play"] += 1
    for (track_id, day, purpose), count in taken.begun.items():
        figures.setdefault((track_id, day), Counter())[purpose] += count
    if figures:
        _execute(
            scope,
            _ADD_FIGURES,
            tracks=[track_id for track_id, _ in figures],
            days=[day for _, day in figures],
            plays=[counted["play"] for counted in figures.values()],
            streams=[counted["stream"] for counted in figures.values()],
            downloads=[counted["download"] for counted in figures.values()],
        )


def _execute(scope: TenantScope, statement: Any, **values: list[Any]) -> Any:
    return scope.session.execute(statement, {"organisation_id": scope.organisation.id, **values})
