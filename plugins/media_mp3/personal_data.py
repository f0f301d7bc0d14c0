"""What the plugin keeps of a customer: app passwords, feeds, what was heard, stars, playlists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from autonomy_core.plugin_api.customers import Customer, PersonalData, is_current
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.feeds.models import Feed
from media_mp3.listening.models import HistoryDeletion, Play, Position
from media_mp3.models import Track
from media_mp3.settings import PLUGIN
from media_mp3.subsonic.models import AppPassword, Mark, Playlist, PlayQueue

TABLES: Final[tuple[Any, ...]] = (
    AppPassword,
    Feed,
    Mark,
    Playlist,
    PlayQueue,
    Play,
    Position,
    HistoryDeletion,
)
"""Every model with a ``customer_id``. No other row refers to one of theirs."""

_EXPORTED: Final[dict[str, tuple[Any, tuple[str, ...]]]] = {
    "app_passwords.json": (AppPassword, ("name", "username", "created_at", "last_used_at")),
    "feeds.json": (Feed, ("id", "product_id", "created_at", "used_at")),
    "stars_and_ratings.json": (Mark, ("item", "starred_at", "rating")),
    "playlists.json": (Playlist, ("name", "comment", "track_ids", "created_at", "changed_at")),
    "play_queue.json": (PlayQueue, ("track_ids", "current", "position_ms", "changed_at", "changed_by")),
    "positions.json": (Position, ("track_id", "position_ms", "changed_at")),
    "history_deletions.json": (HistoryDeletion, ("deleted_at",)),
}
"""The columns of each file. A password and a token are shown once, when they are made."""


def lock_customer(scope: TenantScope, customer_id: UUID) -> None:
    """Lock a customer before a row about the customer is written, until the transaction ends.

    An erasure that is under way ends first, so no row survives it. Of two calls that count rows, one waits.

    Raises:
        NotFound: the customer was erased, or merged into another.
    """
    current = select(Customer.id).where(Customer.id == customer_id, is_current())
    if scope.session.scalar(current.with_for_update(key_share=True)) is None:
        raise NotFound


def export(scope: TenantScope, customer_id: UUID) -> Iterator[tuple[str, Any]]:
    """Yield what the customer has heard and kept."""
    for filename, (model, names) in _EXPORTED.items():
        rows = scope.session.scalars(select(model).where(model.customer_id == customer_id))
        yield filename, [{name: getattr(row, name) for name in names} for row in rows]
    heard = (
        select(Play.played_at, Play.track_id, Track.title, Track.artist)
        .join(Track, (Track.organisation_id == Play.organisation_id) & (Track.id == Play.track_id))
        .where(Play.customer_id == customer_id)
        .order_by(Play.id)
    )
    yield "plays.json", [dict(row._mapping) for row in scope.session.execute(heard)]  # noqa: SLF001


def erase(scope: TenantScope, customer_id: UUID) -> None:
    """Delete every row about the customer."""
    for model in TABLES:
        scope.session.execute(delete(model).where(model.customer_id == customer_id))


def move(scope: TenantScope, source_id: UUID, target_id: UUID) -> None:
    """Give what a merged customer has heard and kept to the account, except app passwords and feeds.

    Where both have something that there can be once, for example a star, that of the account stays. Of two
    deletions of the history, the later one stays.
    """
    deleted_at = select(HistoryDeletion.deleted_at).where(HistoryDeletion.customer_id == source_id)
    if (moment := scope.session.scalar(deleted_at)) is not None:
        keep_deletion(scope, target_id, moment)
    for model in TABLES:
        if model not in {AppPassword, Feed, HistoryDeletion}:
            mine = update(model).where(model.customer_id == source_id, ~_exists(model, target_id))
            scope.session.execute(
                mine.values(customer_id=target_id), execution_options={"synchronize_session": False}
            )
    erase(scope, source_id)


def keep_deletion(scope: TenantScope, customer_id: UUID, deleted_at: datetime) -> None:
    """Keep that a customer's history until a moment was deleted. A later deletion stays."""
    key = {"organisation_id": scope.organisation.id, "customer_id": customer_id}
    new = insert(HistoryDeletion).values(**key, deleted_at=deleted_at)
    later = func.greatest(HistoryDeletion.deleted_at, new.excluded.deleted_at)
    scope.session.execute(new.on_conflict_do_update(index_elements=[*key], set_={"deleted_at": later}))


_ONCE: Final[dict[Any, tuple[str, ...]]] = {
    Mark: ("item",),
    PlayQueue: (),
    Play: ("track_id", "played_at"),
    Position: ("track_id",),
}
"""The columns by which a customer can have one row only."""


def _exists(model: Any, customer_id: UUID) -> Any:
    if model not in _ONCE:
        return model.id.in_(())
    other = aliased(model)
    same = (getattr(other, name) == getattr(model, name) for name in _ONCE[model])
    found = select(1).where(
        other.organisation_id == model.organisation_id, other.customer_id == customer_id, *same
    )
    return found.exists()


PERSONAL_DATA = PersonalData(PLUGIN, export, erase)
