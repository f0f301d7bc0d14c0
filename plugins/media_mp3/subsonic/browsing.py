"""Answers to calls that browse the library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, Final

from media_mp3.subsonic import documents
from media_mp3.subsonic.calls import Call
from media_mp3.subsonic.domain import NOT_FOUND, ProtocolError
from media_mp3.subsonic.library import Album, Artist, fold

IGNORED_ARTICLES: Final = ""
"""Artists are sorted by their whole names."""


def music_folders(call: Call) -> Mapping[str, Any]:
    """``getMusicFolders``: one, with the organisation's name."""
    folder = {"id": documents.FOLDER, "name": call.scope.organisation.name}
    return {"musicFolders": {"musicFolder": [folder]}}


def _initial(artist: Artist) -> str:
    first = fold(artist.name)[:1].upper()
    return first if first.isalpha() else "#"


def _by_initial(artists: Iterable[Artist]) -> list[tuple[str, list[Artist]]]:
    ordered = sorted(artists, key=_initial)
    return [(initial, list(group)) for initial, group in groupby(ordered, key=_initial)]


def artists(call: Call) -> Mapping[str, Any]:
    """``getArtists``"""
    index = [
        {"name": initial, "artist": [documents.artist(each, call.notes) for each in group]}
        for initial, group in _by_initial(call.library.artists)
    ]
    return {"artists": {"ignoredArticles": IGNORED_ARTICLES, "index": index}}


def indexes(call: Call) -> Mapping[str, Any]:
    """``getIndexes``: the artists, for clients that browse directories."""
    changed_at = call.library.changed_at
    changed_ms = round(changed_at.timestamp() * 1000) if changed_at else 0
    about = {"ignoredArticles": IGNORED_ARTICLES, "lastModified": changed_ms}
    since = call.parameters.number("ifModifiedSince", -1, least=-1)
    if since >= changed_ms:
        return {"indexes": about}
    index = [
        {"name": initial, "artist": [documents.artist_as_directory(each, call.notes) for each in group]}
        for initial, group in _by_initial(call.library.artists)
    ]
    return {"indexes": {**about, "index": index}}


def artist(call: Call) -> Mapping[str, Any]:
    """``getArtist``"""
    found = call.library.artist(call.parameters.required("id"))
    albums = [documents.album(each, call.notes) for each in found.albums]
    return {"artist": {**documents.artist(found, call.notes), "album": albums}}


def album(call: Call) -> Mapping[str, Any]:
    """``getAlbum``"""
    key = call.parameters.required("id")
    found = call.library_of(key).album(key)
    return {"album": documents.album_with_songs(found, call.notes)}


def song(call: Call) -> Mapping[str, Any]:
    """``getSong``"""
    key = call.parameters.required("id")
    found = call.library_of(key).song(key)
    return {"song": documents.song(found, call.notes)}


def music_directory(call: Call) -> Mapping[str, Any]:
    """``getMusicDirectory``: the folder has artists, an artist has albums, an album has songs."""
    key, notes = call.parameters.required("id"), call.notes
    if key == str(documents.FOLDER):
        children = [
            {"id": each.key, "parent": key, "isDir": True, "title": each.name, "artist": each.name}
            for each in call.library.artists
        ]
        return {"directory": {"id": key, "name": call.scope.organisation.name, "child": children}}
    found = call.library.find(key)
    if isinstance(found, Artist):
        albums = [documents.album_as_directory(each, notes) for each in found.albums]
        about = {"id": key, "parent": str(documents.FOLDER), "name": found.name, **notes.of(key)}
        return {"directory": {**about, "child": albums}}
    if isinstance(found, Album):
        about = documents.album_as_directory(found, notes)
        kept = {name: about.get(name) for name in ("id", "parent", "starred", "userRating", "playCount")}
        songs = [documents.song(each, notes) for each in found.songs]
        return {"directory": {**kept, "name": found.title, "child": songs}}
    raise ProtocolError(NOT_FOUND, "That directory is not in your library.")


def genres(call: Call) -> Mapping[str, Any]:
    """``getGenres``"""
    songs = Counter(each.genre for each in call.library.songs if each.genre)
    albums = Counter(each.genre for each in call.library.albums if each.genre)
    genre = [{"value": name, "songCount": songs[name], "albumCount": albums[name]} for name in sorted(songs)]
    return {"genres": {"genre": genre}}
