"""The waveform of a track, for pages."""

from __future__ import annotations

from media_mp3.previews import waveform


def test_it_is_in_the_format_of_audiowaveform():
    found = waveform.document(bytes([0, 255, 128]), 3000, 48000)
    assert found == {
        "version": 2, "channels": 1, "sample_rate": 48000, "samples_per_pixel": 48000, "bits": 8,
        "length": 3, "data": [0, 0, -127, 127, -64, 64],
    }  # fmt: skip


def test_its_points_cover_the_whole_track():
    found = waveform.document(bytes(200), 1234, None)
    assert found["length"] * found["samples_per_pixel"] >= 1234 * 44100 // 1000


def test_a_picture_has_a_line_for_each_point():
    assert b'viewBox="0 0 3 100"' in waveform.svg(bytes([0, 255, 51]))
    assert b'd="M0.5 49V51M1.5 0V100M2.5 40V60"' in waveform.svg(bytes([0, 255, 51]))
