"""What ffmpeg measures of real files."""

from __future__ import annotations

import math
from array import array

import pytest

from media_mp3.loudness.domain import album_loudness
from media_mp3.loudness.measuring import measure
from tests.unit.media_mp3 import masters

pytestmark = pytest.mark.processes


def measured(tmp_path, content: bytes):
    path = tmp_path / "master.wav"
    path.write_bytes(content)
    return measure(path, "wav")


def sine(amplitude: float, seconds: float) -> bytes:
    """A tone of 997 Hz on both channels, as EBU Tech 3341 has it."""
    count = int(seconds * 48000)
    tone = [int(32767 * amplitude * math.sin(2 * math.pi * 997 * at / 48000)) for at in range(count)]
    return masters.wav_with(array("h", [each for one in tone for each in (one, one)]).tobytes(), rate=48000)


def test_a_tone_has_the_loudness_that_the_standard_says(tmp_path):
    """EBU Tech 3341, case 1: a stereo tone of -23 dBFS has -23 LUFS."""
    found = measured(tmp_path, sine(10 ** (-23 / 20), 2))
    assert found.integrated_lufs == pytest.approx(-23, abs=0.1)
    assert found.true_peak == pytest.approx(10 ** (-23 / 20), abs=0.002)
    assert len(found.levels) == 20
    together = album_loudness([(found.levels, found.true_peak)])
    assert together.integrated_lufs == pytest.approx(found.integrated_lufs, abs=0.16)


def test_silence_and_a_very_short_recording_have_no_loudness(tmp_path):
    silence = measured(tmp_path, masters.wav_with(bytes(4 * 44100)))
    assert (silence.integrated_lufs, silence.true_peak) == (None, 0.0)
    assert measured(tmp_path, masters.wav_with(masters.samples(2000))).integrated_lufs is None
