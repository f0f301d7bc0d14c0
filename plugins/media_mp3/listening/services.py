"""Use cases of listening: report, continue, look back, and the figures of staff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, delete, func, or_, select

from autonomy_core.plugin_api.errors import InvalidInput
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import all_bought_at
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import Identity
from media_mp3 import services
from media_mp3.listening.domain import require_credible
from media_mp3.listening.memory import LISTENING
from media_mp3.listening.models import Play, Position, TrackDay
from media_mp3.models import Track
from media_mp3.personal_data import keep_deletion, lock_customer

MOST_POSITIONS: Final = 100
FIRST_DAYS: Final = timedelta(days=29)
"""Before today, if staff name no day."""
MOST_DAYS: Final = 366
MOST_FIGURES: Final = 10_000

_COUNTED: Final = ("plays", "streams", "downloads")
_NONE: Final[Counter[str]] = Counter()


def report_play(scope: TenantScope, identity: Identity, track: Track, played_at: datetime | None) -> None:
    """Keep that a customer has heard a track, within some seconds.

    Args:
        played_at: when, aware; None for now.

    Raises:
        NotFound, NotAvailableYet: see `media_mp3.services.require_listener`.
        PlayTimeRefused: see `require_credible`.
    """
    services.require_listener(scope, identity, track)
    now = utcnow()
    if played_at is not None:
        require_credible(played_at, now)
    LISTENING.played(scope.organisation.id, identity.id, track.id, played_at or now)


def keep_position(scope: TenantScope, identity: Identity, track: Track, position_ms: int) -> None:
    """Keep where a customer is in a track, within some seconds.

    Args:
        position_ms: in milliseconds; one behind the end counts as the end.

    Raises:
        NotFound, NotAvailableYet: see `media_mp3.services.require_listener`.
    """
    services.require_listener(scope, identity, track)
    LISTENING.stopped(scope.organisation.id, identity.id, track.id, min(position_ms, track.duration_ms))


def history_of(customer_id: UUID) -> Select[Play]:
    """Select what a customer has heard."""
    return select(Play).where(Play.customer_id == customer_id)


def delete_history(scope: TenantScope, customer_id: UUID) -> None:
    """Delete what a customer has heard until now, and where the customer stopped.

    What server processes have collected about that time, and not written yet, is left out when they write.

    Raises:
        NotFound: the customer was erased, or merged into another.
    """
    lock_customer(scope, customer_id)
    keep_deletion(scope, customer_id, utcnow())
    for table in (Play, Position):
        scope.session.execute(delete(table).where(table.customer_id == customer_id))


def with_tracks(scope: TenantScope, rows: list[Any]) -> list[dict[str, Any]]:
    """Plays or positions, each with what their track is called."""
    statement = select(Track.id, Track.product_id, Track.title, Track.artist, Track.duration_ms)
    found = {
        row.id: row
        for row in scope.session.execute(statement.where(Track.id.in_(row.track_id for row in rows)))
    }
    return [{"entry": row, "track": found[row.track_id]} for row in rows]


def positions_of(scope: TenantScope, customer_id: UUID) -> list[dict[str, Any]]:
    """Where a customer stopped last, newest first: of tracks that the customer still owns."""
    owned = all_bought_at(scope, customer_id)
    statement = (
        select(Position)
        .join(Track, (Track.organisation_id == Position.organisation_id) & (Track.id == Position.track_id))
        .where(
            Position.customer_id == customer_id,
            or_(Track.product_id.in_(owned), Track.single_id.in_(owned)),
        )
        .order_by(Position.changed_at.desc(), Position.track_id)
        .limit(MOST_POSITIONS)
    )
    return with_tracks(scope, list(scope.session.scalars(statement)))


def plays_of(scope: TenantScope, customer_id: UUID) -> dict[UUID, tuple[int, datetime]]:
    """How often a customer has heard each track, and when last."""
    statement = (
        select(Play.track_id, func.count(), func.max(Play.played_at))
        .where(Play.customer_id == customer_id)
        .group_by(Play.track_id)
    )
    return {track_id: (count, last) for track_id, count, last in scope.session.execute(statement)}


@dataclass(frozen=True, slots=True)
class TrackTotal:
    """The figures of a track in several days.

    Attributes:
        removed_at: since when the product lacks the track, aware; None if it has it.
        plays, streams, downloads: see `TrackDay`.
    """

    track_id: UUID
    title: str
    removed_at: datetime | None
    plays: int
    streams: int
    downloads: int


def totals_of(scope: TenantScope, product_id: UUID, days: Iterable[TrackDay]) -> list[TrackTotal]:
    """The sums of the days of each track of a product, in the order of the tracks. Removed ones are last."""
    sums: dict[UUID, Counter[str]] = {}
    for day in days:
        counted = {name: getattr(day, name) for name in _COUNTED}
        sums.setdefault(day.track_id, Counter()).update(counted)
    return [
        TrackTotal(
            track.id,
            track.title,
            track.removed_at,
            **{name: sums.get(track.id, _NONE)[name] for name in _COUNTED},
        )
        for track in services.tracks_of(scope, product_id)
    ]


def figures_of(scope: TenantScope, product_id: UUID, query: Mapping[str, Any]) -> list[TrackDay]:
    """The figures of a product's tracks, by day and track.

    Args:
        query: what `FiguresQuery` loaded.

    Raises:
        InvalidInput: the days or the figures are too many, or the days in the wrong order.
    """
    until: date = query["until"] or utcnow().date()
    since: date = query["since"] or until - FIRST_DAYS
    if not 0 <= (until - since).days < MOST_DAYS:
        raise InvalidInput(f"Ask for 1 to {MOST_DAYS} days, the first one in `since`.")
    statement = (
        select(TrackDay)
        .join(Track, (Track.organisation_id == TrackDay.organisation_id) & (Track.id == TrackDay.track_id))
        .where(Track.product_id == product_id, TrackDay.day.between(since, until))
        .order_by(TrackDay.day, Track.position.nulls_last(), Track.id)
    )
    found = list(scope.session.scalars(statement.limit(MOST_FIGURES + 1)))
    if len(found) > MOST_FIGURES:
        raise InvalidInput(f"They are more than {MOST_FIGURES}: ask for fewer days.")
    return found
