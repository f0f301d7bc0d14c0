"""The library of a buyer: what is found, and which file a stream gets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from media_mp3.subsonic import library
from media_mp3.subsonic.domain import ProtocolError
from media_mp3.subsonic.library import Album, Library, Song, SongFile, artist_key, choose, matching

THEN = datetime(2026, 5, 1, tzinfo=UTC)


def file(name, kbps, *, lossless=False):
    suffix = {"mp3_v0": "mp3", "mp3_320": "mp3"}.get(name, name)
    return SongFile(name, suffix, f"audio/{suffix}", kbps, kbps * 1000, lossless)


V0, MP3, FLAC, OPUS = (
    file("mp3_v0", 245),
    file("mp3_320", 320),
    file("flac", 900, lossless=True),
    file("opus", 128),
)
FILES = (V0, MP3, FLAC, OPUS)


def song(number, title, artist="Mira Sölve", album=1):
    return Song(
        id=UUID(int=album * 100 + number), album_id=UUID(int=album), title=title, artist=artist,
        album=f"Album {album}", album_artist="Mira Sölve", number=number, disc=1, year=2019, genre="Folk",
        duration_ms=1500, sample_rate=44100, channels=2, bits=None, isrc=None, explicit=False, created=THEN,
        cover=None, gain=None, files=FILES,
    )  # fmt: skip


def album(number, *songs, title=None):
    return Album(
        id=UUID(int=number), title=title or f"Album {number}", artist="Mira Sölve", label=None,
        released=date(2020, 1, 1), genre="Folk", explicit=False, created=THEN, has_cover=False, songs=songs,
    )  # fmt: skip


LIBRARY = Library(
    (
        album(2, song(1, "Über den Fluss", album=2), title="Zweites"),
        album(1, song(1, "Night Ferry"), song(2, "Harbour", artist="The Quiet Tide"), title="Erstes"),
        album(3, title="Not released"),
    )
)


@pytest.mark.parametrize(
    ("wanted", "most", "expected"),
    [
        (None, 0, V0),
        ("raw", 96, V0),
        ("flac", 0, FLAC),
        ("mp3_320", 0, MP3),
        ("mp3", 0, V0),
        ("mp3", 320, V0),
        (None, 200, OPUS),
        ("mp3", 128, V0),
        (None, 64, OPUS),
        ("wma", 0, V0),
        ("flac", 320, FLAC),
    ],
)
def test_a_stream_gets_the_nearest_file_that_exists(wanted, most, expected):
    assert choose(FILES, wanted, most) == expected


def test_albums_and_artists_are_in_order_and_empty_albums_are_left_out():
    assert [each.title for each in LIBRARY.albums] == ["Erstes", "Zweites"]
    assert [each.name for each in LIBRARY.artists] == ["Mira Sölve", "The Quiet Tide"]
    tide = LIBRARY.artist(artist_key("the quiet tide"))
    assert [each.title for each in tide.albums] == ["Erstes"]
    assert [each.title for each in tide.songs] == ["Harbour"]


@pytest.mark.parametrize("query", ["", '""', "  "])
def test_an_empty_search_finds_everything(query):
    assert matching(LIBRARY.songs, query) == list(LIBRARY.songs)


def test_a_search_ignores_case_and_accents_and_wants_every_word():
    assert [each.title for each in matching(LIBRARY.songs, "uber FLUSS")] == ["Über den Fluss"]
    assert [each.title for each in matching(LIBRARY.songs, "quiet harbour")] == ["Harbour"]
    assert matching(LIBRARY.songs, "harbour fluss") == []
    assert [each.name for each in matching(LIBRARY.artists, "solve")] == ["Mira Sölve"]


def test_a_search_costs_little_whatever_the_query(monkeypatch):
    folded = []
    monkeypatch.setattr(library, "fold", lambda text: folded.append(text) or text.casefold())
    songs = [song(number, "Night Ferry") for number in range(20)]

    for query in ("night " * 4000, "ferry " * 4000):
        assert matching(songs, query) == songs
    assert len(folded) == len(songs) + 2, "each song once, each query once"
    assert max(map(len, folded)) <= library.LONGEST_QUERY
    assert matching(songs, "a night ferry harbour") == []
    assert matching(songs, "n i g h t f e r nothing") == songs, "words after the eighth are ignored"


def test_what_is_not_owned_is_not_found():
    for find, key in (
        (LIBRARY.album, LIBRARY.owned[2].key),
        (LIBRARY.song, f"tr-{UUID(int=999)}"),
        (LIBRARY.artist, artist_key("Nobody")),
        (LIBRARY.song, LIBRARY.albums[0].key),
    ):
        with pytest.raises(ProtocolError):
            find(key)
    assert LIBRARY.songs_among([UUID(int=999), LIBRARY.songs[1].id]) == [LIBRARY.songs[1]]


def test_the_year_of_an_album_is_that_of_its_release():
    assert LIBRARY.albums[0].year == 2020
    assert replace(LIBRARY.albums[0], released=None).year == 2019
