"""Answers to calls for lists of albums and songs."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from media_mp3.subsonic import documents
from media_mp3.subsonic.calls import Call
from media_mp3.subsonic.domain import MISSING, ProtocolError
from media_mp3.subsonic.library import Album, Song, artist_key, fold

MOST_LISTED: Final = 500
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_RANDOM: Final = random.SystemRandom()


def _shuffled(things: Sequence[Any]) -> list[Any]:
    return _RANDOM.sample(things, len(things))


def _random_albums(call: Call) -> list[Album]:
    return _shuffled(call.library.albums)


def _newest(call: Call) -> list[Album]:
    return sorted(call.library.albums, key=lambda each: each.created, reverse=True)


def _frequent(call: Call) -> list[Album]:
    played = [each for each in call.library.albums if call.notes.count(each.songs)]
    return sorted(played, key=lambda each: call.notes.count(each.songs), reverse=True)


def _recent(call: Call) -> list[Album]:
    played = [each for each in call.library.albums if call.notes.count(each.songs)]
    return sorted(played, key=lambda each: call.notes.last(each.songs) or _NEVER, reverse=True)


def _highest(call: Call) -> list[Album]:
    ratings = call.notes.ratings
    rated = [each for each in call.library.albums if each.key in ratings]
    return sorted(rated, key=lambda each: ratings[each.key], reverse=True)


def _starred(call: Call) -> list[Album]:
    starred = call.notes.starred
    found = [each for each in call.library.albums if each.key in starred]
    return sorted(found, key=lambda each: starred[each.key], reverse=True)


def _by_name(call: Call) -> list[Album]:
    return list(call.library.albums)


def _by_artist(call: Call) -> list[Album]:
    return sorted(call.library.albums, key=lambda each: fold(each.artist))


def _by_year(call: Call) -> list[Album]:
    for name in ("fromYear", "toYear"):
        call.parameters.required(name)
    first, last = (call.parameters.number(name, 0) for name in ("fromYear", "toYear"))
    within = [
        each for each in call.library.albums if min(first, last) <= (each.year or 0) <= max(first, last)
    ]
    return sorted(within, key=lambda each: each.year or 0, reverse=first > last)


def _by_genre(call: Call) -> list[Album]:
    genre = fold(call.parameters.required("genre"))
    albums = call.library.albums
    return [each for each in albums if any(fold(one.genre or "") == genre for one in each.songs)]


TYPES: Final[Mapping[str, Callable[[Call], list[Album]]]] = {
    "random": _random_albums,
    "newest": _newest,
    "highest": _highest,
    "frequent": _frequent,
    "recent": _recent,
    "starred": _starred,
    "alphabeticalByName": _by_name,
    "alphabeticalByArtist": _by_artist,
    "byYear": _by_year,
    "byGenre": _by_genre,
}


def _listed(call: Call) -> list[Album]:
    wanted = call.parameters.required("type")
    if wanted not in TYPES:
        raise ProtocolError(MISSING, f"The type must be one of: {', '.join(TYPES)}.")
    return _page(call, TYPES[wanted](call), size_name="size", default=10)


def _page(call: Call, found: list[Any], *, size_name: str, default: int) -> list[Any]:
    size = call.parameters.number(size_name, default, most=MOST_LISTED)
    offset = call.parameters.number("offset", 0)
    return found[offset : offset + size]


def album_list(call: Call) -> Mapping[str, Any]:
    """``getAlbumList``: `album_list2` for clients that browse directories."""
    found = [documents.album_as_directory(each, call.notes) for each in _listed(call)]
    return {"albumList": {"album": found}}


def album_list2(call: Call) -> Mapping[str, Any]:
    """``getAlbumList2``"""
    return {"albumList2": {"album": [documents.album(each, call.notes) for each in _listed(call)]}}


def _songs(call: Call, songs: Sequence[Song]) -> list[dict[str, Any]]:
    return [documents.song(each, call.notes) for each in songs]


def songs_by_genre(call: Call) -> Mapping[str, Any]:
    """``getSongsByGenre``"""
    genre = fold(call.parameters.required("genre"))
    found = [each for each in call.library.songs if fold(each.genre or "") == genre]
    return {"songsByGenre": {"song": _songs(call, _page(call, found, size_name="count", default=10))}}


def random_songs(call: Call) -> Mapping[str, Any]:
    """``getRandomSongs``"""
    parameters = call.parameters
    genre = fold(parameters.text("genre") or "")
    first, last = parameters.number("fromYear", 0), parameters.number("toYear", 9999)
    found = [
        each
        for each in call.library.songs
        if (not genre or fold(each.genre or "") == genre) and first <= (each.year or first) <= last
    ]
    size = parameters.number("size", 10, most=MOST_LISTED)
    return {"randomSongs": {"song": _songs(call, _shuffled(found)[:size])}}


def starred(call: Call) -> Mapping[str, Any]:
    """``getStarred``: `starred2` for clients that browse directories."""
    library, notes = call.library, call.notes
    return {
        "starred": {
            "artist": [documents.artist_as_directory(each, notes) for each in _marked(call, library.artists)],
            "album": [documents.album_as_directory(each, notes) for each in _marked(call, library.albums)],
            "song": _songs(call, _marked(call, library.songs)),
        }
    }


def starred2(call: Call) -> Mapping[str, Any]:
    """``getStarred2``"""
    library, notes = call.library, call.notes
    return {
        "starred2": {
            "artist": [documents.artist(each, notes) for each in _marked(call, library.artists)],
            "album": [documents.album(each, notes) for each in _marked(call, library.albums)],
            "song": _songs(call, _marked(call, library.songs)),
        }
    }


def _marked(call: Call, things: Sequence[Any]) -> list[Any]:
    return [each for each in things if each.key in call.notes.starred]


def top_songs(call: Call) -> Mapping[str, Any]:
    """``getTopSongs``: the songs of an artist that the customer has played most."""
    wanted = artist_key(call.parameters.required("artist"))
    own = [each for each in call.library.songs if artist_key(each.artist) == wanted]
    ordered = sorted(own, key=lambda each: call.notes.count([each]), reverse=True)
    count = call.parameters.number("count", 50, most=MOST_LISTED)
    return {"topSongs": {"song": _songs(call, ordered[:count])}}


def _similar(call: Call) -> list[Song]:
    """Songs of the same artist, and then of the same genre, at random."""
    key = call.parameters.required("id")
    thing = call.library.find(key)
    songs = [thing] if isinstance(thing, Song) else getattr(thing, "songs", ())
    keys = {each.key for each in songs}
    names, genres = {each.artist for each in songs}, {each.genre for each in songs if each.genre}
    others = [each for each in _shuffled(call.library.songs) if each.key not in keys]
    own = [each for each in others if each.artist in names]
    alike = [each for each in others if each.artist not in names and each.genre in genres]
    return (own + alike)[: call.parameters.number("count", 50, most=MOST_LISTED)]


def similar_songs(call: Call) -> Mapping[str, Any]:
    """``getSimilarSongs``"""
    return {"similarSongs": {"song": _songs(call, _similar(call))}}


def similar_songs2(call: Call) -> Mapping[str, Any]:
    """``getSimilarSongs2``"""
    return {"similarSongs2": {"song": _songs(call, _similar(call))}}
