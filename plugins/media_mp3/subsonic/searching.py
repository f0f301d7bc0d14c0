"""Answers to searches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from media_mp3.subsonic import documents
from media_mp3.subsonic.calls import Call
from media_mp3.subsonic.library import matching


def search2(call: Call) -> Mapping[str, Any]:
    """``search2``: `search3` for clients that browse directories."""
    found = _found(call)
    artists, albums, songs = found["artist"], found["album"], found["song"]
    return {
        "searchResult2": {
            "artist": [documents.artist_as_directory(each, call.notes) for each in artists],
            "album": [documents.album_as_directory(each, call.notes) for each in albums],
            "song": [documents.song(each, call.notes) for each in songs],
        }
    }


def search3(call: Call) -> Mapping[str, Any]:
    """``search3``. An empty query finds everything, in pages: clients synchronise with it."""
    found = _found(call)
    return {
        "searchResult3": {
            "artist": [documents.artist(each, call.notes) for each in found["artist"]],
            "album": [documents.album(each, call.notes) for each in found["album"]],
            "song": [documents.song(each, call.notes) for each in found["song"]],
        }
    }


def _found(call: Call) -> dict[str, list[Any]]:
    query = call.parameters.text("query") or ""
    things = {"artist": call.library.artists, "album": call.library.albums, "song": call.library.songs}
    return {kind: _page(call, kind, matching(each, query)) for kind, each in things.items()}


def _page(call: Call, kind: str, found: list[Any]) -> list[Any]:
    size = call.parameters.number(f"{kind}Count", 20)
    offset = call.parameters.number(f"{kind}Offset", 0)
    return found[offset : offset + size]
