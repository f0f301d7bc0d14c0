"""Playlists of a customer. No other customer sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select

from autonomy_core.plugin_api.models import utcnow, uuid7
from autonomy_core.plugin_api.texts import cleaned
from media_mp3.subsonic import documents
from media_mp3.subsonic.calls import Call
from media_mp3.subsonic.domain import (
    GENERIC,
    MISSING,
    PLAYLIST,
    ProtocolError,
    identifier,
    moment,
    not_found,
    uuid_in,
)
from media_mp3.subsonic.library import Song
from media_mp3.subsonic.models import Playlist

MOST_PLAYLISTS: Final = 500
MOST_TRACKS: Final = 10_000
"""Of all playlists of a customer together, because a list of playlists reads them all."""

LONGEST_NAME: Final = 200
LONGEST_COMMENT: Final = 1000


def _document(call: Call, row: Playlist, songs: list[Song]) -> dict[str, Any]:
    return {
        "id": identifier(PLAYLIST, row.id),
        "name": row.name,
        "comment": row.comment,
        "owner": call.listener.username,
        "public": False,
        "songCount": len(songs),
        "duration": round(sum(song.duration_ms for song in songs) / 1000),
        "created": moment(row.created_at),
        "changed": moment(row.changed_at),
        "coverArt": next((song.cover for song in songs if song.cover), None),
    }


def _with_songs(call: Call, row: Playlist) -> Mapping[str, Any]:
    songs = call.library.songs_among(row.track_ids)
    entry = [documents.song(song, call.notes) for song in songs]
    return {"playlist": {**_document(call, row, songs), "entry": entry}}


def _find(call: Call, name: str, *, lock: bool = False) -> Playlist:
    """The customer's playlist that a parameter names.

    Raises:
        ProtocolError: the customer has no such playlist.
    """
    key = uuid_in(PLAYLIST, call.parameters.required(name))
    statement = select(Playlist).where(Playlist.id == key, Playlist.customer_id == call.customer_id)
    found = call.scope.session.scalars(statement.with_for_update() if lock else statement).one_or_none()
    if found is None:
        raise not_found("That playlist")
    return found


def playlists(call: Call) -> Mapping[str, Any]:
    """``getPlaylists``"""
    statement = select(Playlist).where(Playlist.customer_id == call.customer_id)
    rows = call.scope.session.scalars(statement.order_by(func.lower(Playlist.name), Playlist.id)).all()
    found = [_document(call, row, call.library.songs_among(row.track_ids)) for row in rows]
    return {"playlists": {"playlist": found}}


def playlist(call: Call) -> Mapping[str, Any]:
    """``getPlaylist``"""
    return _with_songs(call, _find(call, "id"))


def create(call: Call) -> Mapping[str, Any]:
    """``createPlaylist``: a new one, or with ``playlistId`` other songs for one."""
    track_ids = call.library.track_ids(call.parameters.all("songId"))
    if call.parameters.text("playlistId") is not None:
        row = _find(call, "playlistId", lock=True)
        row.name = _named(call, "name") or row.name
        _fill(call, row, track_ids)
    else:
        call.parameters.required("name")
        row = _new(call, _named(call, "name") or "Playlist")
        _fill(call, row, track_ids)
        call.scope.session.add(row)
    call.scope.session.flush()
    return _with_songs(call, row)


def _named(call: Call, name: str) -> str | None:
    return cleaned(call.parameters.text(name) or "", LONGEST_NAME)


def _new(call: Call, name: str) -> Playlist:
    mine = select(func.count(Playlist.id)).where(Playlist.customer_id == call.customer_id)
    if (call.scope.session.scalar(mine) or 0) >= MOST_PLAYLISTS:
        raise ProtocolError(GENERIC, f"There are {MOST_PLAYLISTS} playlists already. Delete one first.")
    organisation_id = call.scope.organisation.id
    return Playlist(organisation_id=organisation_id, id=uuid7(), customer_id=call.customer_id, name=name)


def _fill(call: Call, row: Playlist, track_ids: list[UUID]) -> None:
    others = select(func.sum(func.cardinality(Playlist.track_ids)))
    mine = others.where(Playlist.customer_id == call.customer_id, Playlist.id != row.id)
    if len(track_ids) + (call.scope.session.scalar(mine) or 0) > MOST_TRACKS:
        raise ProtocolError(GENERIC, f"All playlists together have at most {MOST_TRACKS} songs.")
    row.track_ids, row.changed_at = track_ids, utcnow()


def update(call: Call) -> Mapping[str, Any]:
    """``updatePlaylist``: its name and comment; songs are added, or removed by their place."""
    row = _find(call, "playlistId", lock=True)
    row.name = _named(call, "name") or row.name
    if call.parameters.all("comment"):
        row.comment = cleaned(call.parameters.text("comment") or "", LONGEST_COMMENT)
    added = call.library.track_ids(call.parameters.all("songIdToAdd"))
    _fill(call, row, _without(call, row.track_ids, call.parameters.numbers("songIndexToRemove")) + added)
    return {}


def _without(call: Call, track_ids: list[UUID], removed: list[int]) -> list[UUID]:
    """The tracks without some of those that the customer sees, by their places among these."""
    seen = {song.id for song in call.library.songs_among(track_ids)}
    shown = [place for place, track_id in enumerate(track_ids) if track_id in seen]
    if any(index >= len(shown) for index in removed):
        raise ProtocolError(MISSING, "The playlist has fewer songs than songIndexToRemove says.")
    gone = {shown[index] for index in removed}
    return [track_id for place, track_id in enumerate(track_ids) if place not in gone]


def remove(call: Call) -> Mapping[str, Any]:
    """``deletePlaylist``"""
    row = _find(call, "id", lock=True)
    call.scope.session.execute(delete(Playlist).where(Playlist.id == row.id))
    return {}
