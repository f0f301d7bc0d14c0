"""Stars, ratings and reports of plays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.dialects.postgresql import insert

from autonomy_core.plugin_api.models import utcnow
from media_mp3.listening.domain import require_credible
from media_mp3.listening.errors import PlayTimeRefused
from media_mp3.listening.memory import LISTENING
from media_mp3.subsonic.domain import GENERIC, MISSING, ProtocolError, not_found
from media_mp3.subsonic.models import Mark

if TYPE_CHECKING:
    from media_mp3.subsonic.calls import Call

MOST_AT_ONCE: Final = 500
"""Things in one call. Each becomes a row."""

MOST_STARS: Final = 5

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _mark(call: Call, keys: Iterable[str], values: Mapping[str, Any]) -> None:
    whose = {"organisation_id": call.scope.organisation.id, "customer_id": call.customer_id}
    rows = [{**whose, "item": key, **values} for key in sorted(set(keys))]
    if not rows:
        return
    key = [Mark.organisation_id, Mark.customer_id, Mark.item]
    statement = insert(Mark).values(rows).on_conflict_do_update(index_elements=key, set_=values)
    call.scope.session.execute(statement)


def _few(keys: list[str]) -> list[str]:
    if len(keys) > MOST_AT_ONCE:
        raise ProtocolError(GENERIC, f"One call takes at most {MOST_AT_ONCE} things.")
    return keys


def _things(call: Call) -> list[str]:
    """The ids of the things that are to be starred; each must be in the library."""
    parameters = call.parameters
    keys = _few([key for name in ("id", "albumId", "artistId") for key in parameters.all(name)])
    if not keys:
        raise ProtocolError(MISSING, "Say what, with id, albumId or artistId.")
    library = call.library_of(*keys)
    if any(library.find(key) is None for key in keys):
        raise not_found()
    return keys


def star(call: Call) -> Mapping[str, Any]:
    """``star``"""
    # A star that is there already gets the new time.
    _mark(call, _things(call), {"starred_at": utcnow()})
    return {}


def unstar(call: Call) -> Mapping[str, Any]:
    """``unstar``"""
    _mark(call, _things(call), {"starred_at": None})
    return {}


def set_rating(call: Call) -> Mapping[str, Any]:
    """``setRating``: 0 removes it."""
    key = call.parameters.required("id")
    if call.library_of(key).find(key) is None:
        raise not_found()
    call.parameters.required("rating")
    rating = call.parameters.number("rating", 0, least=-1)
    if not 0 <= rating <= MOST_STARS:
        raise ProtocolError(MISSING, f"The parameter rating must be between 0 and {MOST_STARS}.")
    _mark(call, [key], {"rating": rating or None})
    return {}


def scrobble(call: Call) -> Mapping[str, Any]:
    """``scrobble``: what was played. That a stream was opened is no play. A wrong time refuses all of it.

    The report is kept in memory for some seconds, see `media_mp3.listening.memory`.
    """
    parameters = call.parameters
    parameters.required("id")
    keys = _few(parameters.all("id"))
    track_ids = call.library_of(*keys).track_ids(keys)
    times = parameters.numbers("time")
    if not parameters.flag("submission", default=True):
        return {}
    now = utcnow()
    moments = [_played_at(milliseconds, now) for milliseconds in times[: len(track_ids)]]
    for index, track_id in enumerate(track_ids):
        played_at = moments[index] if index < len(moments) else now
        LISTENING.played(call.scope.organisation.id, call.customer_id, track_id, played_at)
    return {}


def _played_at(milliseconds: int, now: datetime) -> datetime:
    try:
        played_at = _EPOCH + timedelta(milliseconds=milliseconds)
        require_credible(played_at, now)
    except (OverflowError, PlayTimeRefused):
        raise ProtocolError(MISSING, "The parameter time is in the future, or too long ago.") from None
    return played_at
