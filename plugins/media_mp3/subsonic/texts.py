"""Answers with texts: lyrics, and descriptions of albums and artists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from autonomy_core.plugin_api.catalog import find_product
from media_mp3.models import Track
from media_mp3.subsonic.calls import Call
from media_mp3.subsonic.library import Song, fold


def _lyrics_of(call: Call, song: Song) -> str | None:
    return call.scope.session.scalar(select(Track.lyrics).where(Track.id == song.id))


def lyrics(call: Call) -> Mapping[str, Any]:
    """``getLyrics``: by artist and title, empty without any."""
    artist, title = (fold(call.parameters.text(name) or "") for name in ("artist", "title"))
    for song in call.library.songs:
        if fold(song.title) == title and artist in {"", fold(song.artist)}:
            text = _lyrics_of(call, song)
            if text:
                return {"lyrics": {"artist": song.artist, "title": song.title, "value": text}}
    return {"lyrics": {"value": ""}}


def lyrics_by_song(call: Call) -> Mapping[str, Any]:
    """``getLyricsBySongId``: plain lines, without times."""
    key = call.parameters.required("id")
    song = call.library_of(key).song(key)
    text = _lyrics_of(call, song)
    if not text:
        return {"lyricsList": {"structuredLyrics": []}}
    structured = {
        "lang": "und",
        "synced": False,
        "displayArtist": song.artist,
        "displayTitle": song.title,
        "line": [{"value": line} for line in text.splitlines()],
    }
    return {"lyricsList": {"structuredLyrics": [structured]}}


def album_info(call: Call) -> Mapping[str, Any]:
    """``getAlbumInfo`` and ``getAlbumInfo2``: the text of the description in the shop."""
    key = call.parameters.required("id")
    album = call.library_of(key).album(key)
    product = find_product(call.scope, album.id)
    return {"albumInfo": {"notes": product.description_text if product else ""}}


def artist_info(call: Call) -> Mapping[str, Any]:
    """``getArtistInfo``: the shop has no biographies."""
    call.library.artist(call.parameters.required("id"))
    return {"artistInfo": {}}


def artist_info2(call: Call) -> Mapping[str, Any]:
    """``getArtistInfo2``: the shop has no biographies."""
    call.library.artist(call.parameters.required("id"))
    return {"artistInfo2": {}}
