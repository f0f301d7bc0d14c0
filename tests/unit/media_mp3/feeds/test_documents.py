"""The feed and the playlist of a release."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from media_mp3.feeds.domain import Channel, Episode, hash_of, is_token, new_token, playlist, rss

ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"


def episode(number, **changes):
    values = {
        "id": f"id-{number}", "title": f"Song {number} & <more>", "artist": None,
        "duration_ms": 61_600, "disc": 1,
        "number": number, "explicit": False, "url": f"https://acme.example/{number}?token=a&file=b.mp3",
        "size": 6_000_000_000, "media_type": "audio/flac",
    }  # fmt: skip
    return Episode(**{**values, **changes})


def channel(**changes):
    values = {
        "title": "Tide", "artist": "Ada", "description": "", "url": "https://acme.example/rss",
        "language": "de",
        "link": "https://acme.example/", "image": "https://acme.example/full", "explicit": True,
        "published": datetime(2026, 3, 1, 23, tzinfo=UTC), "episodes": [episode(1), episode(2, artist="Bob")],
    }  # fmt: skip
    return Channel(**{**values, **changes})


def test_a_feed_has_what_the_specification_requires():
    root = ET.fromstring(rss(channel()))
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    (only,) = root
    assert only.tag == "channel"
    assert [only.findtext(name) for name in ("title", "link", "description", "language")] == [
        "Tide", "https://acme.example/", "Tide", "de"
    ]  # fmt: skip
    assert only.find(f"{ITUNES}image").get("href") == "https://acme.example/full"
    first, second = only.iter("item")
    assert first.findtext("title") == "Song 1 & <more>"
    assert first.find("guid").attrib == {"isPermaLink": "false"}
    assert first.find("enclosure").attrib == {
        "url": "https://acme.example/1?token=a&file=b.mp3",
        "length": "6000000000",
        "type": "audio/flac",
    }
    assert first.findtext(f"{ITUNES}duration") == "62"
    dates = [parsedate_to_datetime(item.findtext("pubDate")) for item in (first, second)]
    assert dates == [datetime(2026, 3, 1, 22, 59, 59, tzinfo=UTC), datetime(2026, 3, 1, 23, tzinfo=UTC)]
    assert [item.findtext(f"{ITUNES}author") for item in (first, second)] == [None, "Bob"]


def test_what_is_not_known_is_left_out():
    only = ET.fromstring(rss(channel(artist=None, language=None, image=None, episodes=[]))).find("channel")
    assert {each.tag for each in only} & {"language", "item", f"{ITUNES}author", f"{ITUNES}image"} == set()


def test_a_playlist_names_each_track_and_its_length():
    assert playlist(channel()).decode().splitlines() == [
        "#EXTM3U",
        "#PLAYLIST:Tide",
        "#EXTINF:62,Song 1 & <more>",
        "https://acme.example/1?token=a&file=b.mp3",
        "#EXTINF:62,Bob - Song 2 & <more>",
        "https://acme.example/2?token=a&file=b.mp3",
    ]


def test_a_token_is_recognised_by_its_hash_only():
    (one, kept), (other, _) = new_token(), new_token()
    assert one != other
    assert kept == hash_of(one)
    assert [is_token(token, kept) for token in (one, other, "", kept)] == [True, False, False, False]
