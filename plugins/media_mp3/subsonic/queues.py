"""The play queue: begun in one player, continued in another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.dialects.postgresql import insert

from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.texts import cleaned
from media_mp3.subsonic import documents
from media_mp3.subsonic.calls import Call
from media_mp3.subsonic.domain import GENERIC, MISSING, TRACK, ProtocolError, identifier, moment
from media_mp3.subsonic.models import PlayQueue

MOST_TRACKS: Final = 10_000
LONGEST_CLIENT: Final = 100


def save(call: Call) -> Mapping[str, Any]:
    """``savePlayQueue``: without songs it becomes empty."""
    parameters = call.parameters
    track_ids = call.library.track_ids(parameters.all("id"))
    if len(track_ids) > MOST_TRACKS:
        raise ProtocolError(GENERIC, f"A play queue has at most {MOST_TRACKS} songs.")
    current = parameters.text("current")
    (playing,) = call.library.track_ids([current]) if current is not None and track_ids else (None,)
    if playing is not None and playing not in track_ids:
        raise ProtocolError(MISSING, "The current song must be one of the queue.")
    values = {
        "track_ids": track_ids,
        "current": playing,
        "position_ms": parameters.number("position", 0),
        "changed_at": utcnow(),
        "changed_by": cleaned(parameters.text("c") or "", LONGEST_CLIENT) or "player",
    }
    key = {"organisation_id": call.scope.organisation.id, "customer_id": call.customer_id}
    statement = insert(PlayQueue).values(**key, **values)
    columns = [PlayQueue.organisation_id, PlayQueue.customer_id]
    call.scope.session.execute(statement.on_conflict_do_update(index_elements=columns, set_=values))
    return {}


def play_queue(call: Call) -> Mapping[str, Any]:
    """``getPlayQueue``: songs that the customer no longer owns are left out."""
    row = call.scope.session.get(PlayQueue, (call.scope.organisation.id, call.customer_id))
    if row is None:
        return {}
    songs = call.library.songs_among(row.track_ids)
    is_there = any(song.id == row.current for song in songs)
    return {
        "playQueue": {
            "entry": [documents.song(song, call.notes) for song in songs],
            "current": identifier(TRACK, row.current) if row.current and is_there else None,
            "position": row.position_ms if is_there else None,
            "username": call.listener.username,
            "changed": moment(row.changed_at),
            "changedBy": row.changed_by,
        }
    }
