"""In which formats a whole release may be had."""

from __future__ import annotations

from media_mp3.archives.domain import Offer, choices


def offers(*names, is_master=False):
    return [Offer(name, name.upper(), name in {"flac", "wav"}, f".{name}", name, is_master) for name in names]


def summary(*tracks):
    return [(each.name, each.lossless, [offer.content for offer in each.offers]) for each in choices(tracks)]


def test_a_release_may_be_had_in_each_format_that_all_tracks_have():
    assert summary(offers("opus", "flac"), offers("opus", "flac")) == [
        ("opus", False, ["opus", "opus"]),
        ("flac", True, ["flac", "flac"]),
    ]
    assert summary(offers("opus", "flac"), offers("opus")) == [("opus", False, ["opus", "opus"])]
    assert summary(offers("opus"), offers("flac")) == []


def test_a_track_whose_master_is_mp3_is_mp3_in_each_format():
    assert summary(offers("opus", "flac"), offers("mp3")) == [
        ("opus", False, ["opus", "mp3"]),
        ("flac", False, ["flac", "mp3"]),
    ]
    assert summary(offers("mp3"), offers("mp3")) == [("mp3", False, ["mp3", "mp3"])]


def test_masters_of_several_formats_are_the_originals():
    flac, wav = offers("flac", is_master=True), offers("wav", is_master=True)
    assert summary(flac, flac) == [("flac", True, ["flac", "flac"])]
    assert summary(flac, wav) == [("original", True, ["flac", "wav"])]
    # One track is ready, and the other is not.
    assert summary(offers("opus"), wav) == []


def test_a_release_without_tracks_is_no_archive():
    assert summary() == []
    assert summary(offers("flac"), []) == []
