"""Artists, albums and songs in the form of the protocol's JSON. Pure.

Source: https://opensubsonic.netlify.app/docs/responses/child/, ``albumid3`` and ``artistid3``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from media_mp3.subsonic.domain import moment
from media_mp3.subsonic.library import Album, Artist, Song, artist_key

FOLDER: Final = 1
"""The id of the only music folder."""

_NOT_IN_PATHS: Final = str.maketrans("/\\", "__")


@dataclass(frozen=True, slots=True)
class Notes:
    """What the customer has said about things, and has played.

    Attributes:
        starred: the times of stars, aware, by the id in the protocol.
        ratings: from 1 to 5, by the id in the protocol.
        plays: how often and when last, by track.
    """

    starred: Mapping[str, datetime] = field(default_factory=dict)
    ratings: Mapping[str, int] = field(default_factory=dict)
    plays: Mapping[UUID, tuple[int, datetime]] = field(default_factory=dict)

    def of(self, key: str) -> dict[str, Any]:
        """The members about a star and a rating."""
        starred = self.starred.get(key)
        return {"starred": moment(starred) if starred else None, "userRating": self.ratings.get(key)}

    def count(self, songs: Iterable[Song]) -> int:
        """How often songs were played together."""
        return sum(self.plays[song.id][0] for song in songs if song.id in self.plays)

    def last(self, songs: Iterable[Song]) -> datetime | None:
        """When one of the songs was played last."""
        return max((self.plays[song.id][1] for song in songs if song.id in self.plays), default=None)

    def played(self, songs: Iterable[Song]) -> dict[str, Any]:
        """The members about plays."""
        heard = list(songs)
        last = self.last(heard)
        return {"playCount": self.count(heard), "played": moment(last) if last else None}


def song(each: Song, notes: Notes) -> dict[str, Any]:
    """A ``Child`` that is a song."""
    first = each.files[0]
    return {
        "id": each.key,
        "parent": f"al-{each.album_id}",
        "isDir": False,
        "title": each.title,
        "album": each.album,
        "artist": each.artist,
        "track": each.number,
        "discNumber": each.disc,
        "year": each.year,
        "genre": each.genre,
        "genres": _genres(each.genre),
        "coverArt": each.cover,
        "size": first.size,
        "contentType": first.media_type,
        "suffix": first.suffix,
        "duration": round(each.duration_ms / 1000),
        "bitRate": first.bitrate,
        "bitDepth": each.bits if first.lossless else None,
        "samplingRate": each.sample_rate,
        "channelCount": each.channels,
        "path": _path(each, first.suffix),
        "isVideo": False,
        "created": moment(each.created),
        "albumId": f"al-{each.album_id}",
        "artistId": artist_key(each.artist),
        "type": "music",
        "mediaType": "song",
        "isrc": [each.isrc] if each.isrc else [],
        "artists": [_named(each.artist)],
        "displayArtist": each.artist,
        "albumArtists": [_named(each.album_artist)],
        "displayAlbumArtist": each.album_artist,
        "explicitStatus": "explicit" if each.explicit else "",
        "replayGain": each.gain,
        **notes.played([each]),
        **notes.of(each.key),
    }


def _path(each: Song, suffix: str) -> str:
    parts = each.album_artist, each.album, f"{each.disc}-{each.number:02} {each.title}.{suffix}"
    return "/".join(part.translate(_NOT_IN_PATHS) for part in parts)


def _genres(genre: str | None) -> list[dict[str, str]]:
    return [{"name": genre}] if genre else []


def _named(name: str) -> dict[str, str]:
    return {"id": artist_key(name), "name": name}


def album(each: Album, notes: Notes) -> dict[str, Any]:
    """An ``AlbumID3``, without its songs."""
    released = each.released
    return {
        "id": each.key,
        "name": each.title,
        "artist": each.artist,
        "artistId": artist_key(each.artist),
        "artists": [_named(each.artist)],
        "displayArtist": each.artist,
        "coverArt": each.key if each.has_cover else None,
        "songCount": len(each.songs),
        "duration": round(each.duration_ms / 1000),
        "created": moment(each.created),
        "year": each.year,
        "genre": each.genre,
        "genres": _genres(each.genre),
        "recordLabels": [{"name": each.label}] if each.label else [],
        "releaseDate": (
            {"year": released.year, "month": released.month, "day": released.day} if released else None
        ),
        "explicitStatus": "explicit" if each.explicit else "",
        **notes.played(each.songs),
        **notes.of(each.key),
    }


def album_with_songs(each: Album, notes: Notes) -> dict[str, Any]:
    """An ``AlbumID3WithSongs``."""
    return {**album(each, notes), "song": [song(one, notes) for one in each.songs]}


def album_as_directory(each: Album, notes: Notes) -> dict[str, Any]:
    """A ``Child`` that is an album, for clients that browse directories."""
    return {
        "id": each.key,
        "parent": artist_key(each.artist),
        "isDir": True,
        "title": each.title,
        "album": each.title,
        "artist": each.artist,
        "artistId": artist_key(each.artist),
        "year": each.year,
        "genre": each.genre,
        "coverArt": each.key if each.has_cover else None,
        "duration": round(each.duration_ms / 1000),
        "created": moment(each.created),
        "mediaType": "album",
        **notes.played(each.songs),
        **notes.of(each.key),
    }


def artist(each: Artist, notes: Notes) -> dict[str, Any]:
    """An ``ArtistID3``, without its albums."""
    covered = next((one for one in each.albums if one.has_cover), None)
    return {
        "id": each.key,
        "name": each.name,
        "albumCount": len(each.albums),
        "coverArt": covered.key if covered else None,
        **notes.of(each.key),
    }


def artist_as_directory(each: Artist, notes: Notes) -> dict[str, Any]:
    """An ``Artist``, for clients that browse directories."""
    return {"id": each.key, "name": each.name, **notes.of(each.key)}
