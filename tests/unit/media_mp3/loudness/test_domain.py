"""The loudness of releases, and gains."""

from __future__ import annotations

import pytest

from media_mp3.loudness.domain import album_key, album_loudness, decibels, gain_db, level_of


def levels(*lufs: float) -> bytes:
    return bytes(level_of(each) for each in lufs)


def test_equal_parts_have_their_own_loudness():
    assert album_loudness([(levels(*[-23.0] * 50), 0.5)]).integrated_lufs == pytest.approx(-23, abs=0.15)


def test_silence_and_what_is_much_quieter_does_not_count():
    loud = levels(*[-20.0] * 100)
    quiet = levels(*[-40.0] * 300, *[-120.0] * 300)
    assert album_loudness([(loud, 0.5), (quiet, 0.1)]) == album_loudness([(loud, 0.5)])


def test_a_release_is_as_loud_as_its_tracks_together():
    found = album_loudness([(levels(*[-10.0] * 100), 0.9), (levels(*[-16.0] * 100), 1.2)])
    assert found.integrated_lufs == pytest.approx(-12.04, abs=0.15)
    assert found.true_peak == 1.2


def test_silence_has_no_loudness_and_no_gain():
    found = album_loudness([(bytes(100), 0.0)])
    assert (found.integrated_lufs, gain_db(None), decibels(0.0)) == (None, None, None)


def test_the_gain_leads_to_the_reference():
    assert gain_db(-10.25) == -7.75
    assert decibels(0.5) == -6.02


def test_a_release_is_the_same_in_any_order():
    assert album_key(["a", "b"]) == album_key(["b", "a"]) != album_key(["a"])
