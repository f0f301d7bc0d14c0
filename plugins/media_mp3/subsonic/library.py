"""What a buyer owns, as players see it: artists, albums and songs. Pure; `loading` reads it."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from media_mp3.subsonic.domain import ALBUM, ARTIST, TRACK, identifier, not_found, uuid_in

UNKNOWN_ARTIST: Final = "Various Artists"
MOST_WORDS: Final = 8
"""Words of a search; the rest is ignored, as in the catalogue."""
LONGEST_QUERY: Final = 200
"""Characters of a search; the rest is ignored."""


@dataclass(frozen=True, slots=True)
class SongFile:
    """A file of a song that a player can get.

    Attributes:
        format: the name of the format, such as ``mp3_v0``.
        suffix: of its name, without the dot.
        bitrate: in kilobits per second, the average.
        size: in bytes.
        source: what serves the file, opaque here.
    """

    format: str
    suffix: str
    media_type: str
    bitrate: int
    size: int
    lossless: bool
    source: Any = field(repr=False, compare=False, default=None)


def choose(files: Sequence[SongFile], wanted: str | None, most_kbps: int) -> SongFile:
    """Choose the file for a stream. Nothing is encoded: a player gets the nearest file that exists.

    Args:
        files: at least one, the shop's first choice first.
        wanted: a suffix or a format's name; None or ``raw`` for the first choice.
        most_kbps: the maximum bitrate in kilobits per second; 0 for none.
    """
    named = [each for each in files if wanted in {each.suffix, each.format}]
    candidates = named or list(files)
    if not most_kbps or wanted == "raw":
        return candidates[0]
    fitting = [each for each in candidates if each.bitrate <= most_kbps]
    if candidates[0] in fitting:
        return candidates[0]
    if fitting:
        return max(fitting, key=lambda each: each.bitrate)
    return min(candidates, key=lambda each: each.bitrate)


@dataclass(frozen=True)
class Song:
    """A track that the buyer may hear now.

    Attributes:
        number: its place on its disc.
        duration_ms: in milliseconds.
        created: since when it is in the library, aware.
        cover: the id in the protocol of what has the cover: the song itself, or its album; None for no cover.
        gain: a ``ReplayGain`` of the protocol; None until the track is measured.
        files: at least one, the shop's first choice first.
    """

    id: UUID
    album_id: UUID
    title: str
    artist: str
    album: str
    album_artist: str
    number: int
    disc: int
    year: int | None
    genre: str | None
    duration_ms: int
    sample_rate: int | None
    channels: int | None
    bits: int | None
    isrc: str | None
    explicit: bool
    created: datetime
    cover: str | None
    gain: Mapping[str, float | None] | None
    files: tuple[SongFile, ...]

    @property
    def key(self) -> str:
        """Its id in the protocol."""
        return identifier(TRACK, self.id)

    @cached_property
    def folded(self) -> str:
        """What a search looks into."""
        return fold(f"{self.title} {self.artist} {self.album}")


@dataclass(frozen=True)
class Album:
    """A product that the buyer owns.

    Attributes:
        created: since when it is in the library, aware.
    """

    id: UUID
    title: str
    artist: str
    label: str | None
    released: date | None
    genre: str | None
    explicit: bool
    created: datetime
    has_cover: bool
    songs: tuple[Song, ...]

    @property
    def key(self) -> str:
        """Its id in the protocol."""
        return identifier(ALBUM, self.id)

    @property
    def year(self) -> int | None:
        """Of the release; by default the earliest of its songs."""
        if self.released is not None:
            return self.released.year
        return min((song.year for song in self.songs if song.year), default=None)

    @property
    def duration_ms(self) -> int:
        """In milliseconds."""
        return sum(song.duration_ms for song in self.songs)

    @cached_property
    def folded(self) -> str:
        """What a search looks into."""
        return fold(f"{self.title} {self.artist}")


@dataclass(frozen=True)
class Artist:
    """An artist of an album or of a song.

    Attributes:
        albums: those with the artist's name on the album or on a song.
    """

    name: str
    albums: tuple[Album, ...]

    @cached_property
    def key(self) -> str:
        """Its id in the protocol."""
        return artist_key(self.name)

    @cached_property
    def folded(self) -> str:
        """What a search looks into."""
        return fold(self.name)

    @property
    def songs(self) -> list[Song]:
        """The artist's own songs."""
        found = [song for album in self.albums for song in album.songs]
        return [
            song for song in found if self.key in {artist_key(song.artist), artist_key(song.album_artist)}
        ]


@dataclass(frozen=True)
class Library:
    """Everything that a buyer may hear now.

    Args:
        albums: in any order. Albums without songs are left out.
    """

    owned: tuple[Album, ...]

    @cached_property
    def albums(self) -> tuple[Album, ...]:
        """By title."""
        present = (album for album in self.owned if album.songs)
        return tuple(sorted(present, key=lambda album: (fold(album.title), album.id)))

    @cached_property
    def songs(self) -> tuple[Song, ...]:
        """Of the albums, in their order."""
        return tuple(song for album in self.albums for song in album.songs)

    @cached_property
    def artists(self) -> tuple[Artist, ...]:
        """By name."""
        names: dict[str, str] = {}
        albums: dict[str, dict[UUID, Album]] = {}
        for album in self.albums:
            for name in (album.artist, *(song.artist for song in album.songs)):
                names.setdefault(artist_key(name), name)
                albums.setdefault(artist_key(name), {})[album.id] = album
        found = (Artist(name, tuple(albums[key].values())) for key, name in names.items())
        return tuple(sorted(found, key=lambda artist: (fold(artist.name), artist.key)))

    @cached_property
    def _by_key(self) -> Mapping[str, Album | Song | Artist]:
        things: list[Album | Song | Artist] = [*self.albums, *self.songs, *self.artists]
        return {each.key: each for each in things}

    @property
    def changed_at(self) -> datetime | None:
        """When something was added last; None for an empty library."""
        return max((song.created for song in self.songs), default=None)

    def album(self, key: str) -> Album:
        """An album by its id in the protocol, or by that of one of its songs.

        Raises:
            ProtocolError: it is not in the library.
        """
        found = self._by_key.get(key)
        if isinstance(found, Song):
            found = self._by_key.get(identifier(ALBUM, found.album_id))
        if isinstance(found, Album):
            return found
        raise not_found("That album")

    def song(self, key: str) -> Song:
        """A song by its id in the protocol.

        Raises:
            ProtocolError: it is not in the library.
        """
        found = self._by_key.get(key)
        if isinstance(found, Song):
            return found
        raise not_found("That song")

    def artist(self, key: str) -> Artist:
        """An artist by its id in the protocol.

        Raises:
            ProtocolError: it is not in the library.
        """
        found = self._by_key.get(key)
        if isinstance(found, Artist):
            return found
        raise not_found("That artist")

    def find(self, key: str) -> Album | Song | Artist | None:
        """A thing by its id in the protocol; None if it is not in the library."""
        return self._by_key.get(key)

    def songs_among(self, track_ids: Iterable[UUID]) -> list[Song]:
        """The songs with these ids, in their order; those that are not in the library are left out."""
        found = (self._by_key.get(identifier(TRACK, track_id)) for track_id in track_ids)
        return [song for song in found if isinstance(song, Song)]

    def track_ids(self, keys: Iterable[str]) -> list[UUID]:
        """The tracks of songs by their ids in the protocol.

        Raises:
            ProtocolError: one is not in the library.
        """
        return [self.song(identifier(TRACK, uuid_in(TRACK, key))).id for key in keys]


def artist_key(name: str) -> str:
    """The id of an artist in the protocol. Artists are names, so the id is a hash of the name."""
    digest = hashlib.blake2b(fold(name).encode(), digest_size=10, person=b"subsonic artist").hexdigest()
    return identifier(ARTIST, digest)


def fold(text: str) -> str:
    """A text without case and accents, for comparing."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in plain if not unicodedata.combining(each))


def matching(things: Sequence[Any], query: str) -> list[Any]:
    """The things in whose ``folded`` text every word of the query occurs; all for an empty query."""
    words = set(fold(query[:LONGEST_QUERY].strip().strip('"')).split()[:MOST_WORDS])
    return [each for each in things if all(word in each.folded for word in words)] if words else list(things)
