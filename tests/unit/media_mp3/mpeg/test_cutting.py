"""A part of an MP3 has exactly the samples of the whole file, and nothing else of it."""

from __future__ import annotations

import io
from array import array
from functools import cache

import miniaudio
import pytest

from autonomy_core.plugin_api.media import FfmpegLimits, input_arguments, stream_ffmpeg
from media_mp3.mpeg.cutting import NothingToCut, cut
from tests.unit.media_mp3 import masters, material

pytestmark = pytest.mark.processes

NO_FILE = FfmpegLimits(cpu_s=60, wall_s=120.0)


@cache
def lame(*options: str) -> bytes:
    """Two seconds as LAME encodes them: with a delay, and with a reservoir of bits."""
    return masters.encoded(".mp3", "-c:a", "libmp3lame", *options)


SOURCES = {
    "constant bitrate": lambda: lame("-b:a", "128k"),
    "variable bitrate": lambda: lame("-q:a", "4"),
    "low bitrate": lambda: lame("-b:a", "48k", "-ac", "1"),
    "22 kHz": lambda: lame("-b:a", "64k", "-ar", "22050"),
    "11 kHz, mono": lambda: lame("-b:a", "24k", "-ar", "11025", "-ac", "1"),
    "tags, and no header": material.tagged,
}


def part_of(content: bytes, start_ms: int, length_ms: int) -> bytes:
    target = io.BytesIO()
    cut(io.BytesIO(content), len(content), target, start_ms=start_ms, length_ms=length_ms)
    return target.getvalue()


@pytest.fixture
def decoded(tmp_path):
    """Decodes as Chromium does, to 16-bit samples of each channel in turn."""

    def run(content: bytes) -> array[int]:
        path = tmp_path / "heard.mp3"
        path.write_bytes(content)
        arguments = [*input_arguments(path, "mp3"), "-map", "0:a:0", "-f", "s16le", "pipe:1"]
        return array("h", b"".join(stream_ffmpeg(arguments, NO_FILE)))

    return run


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("start_ms", [0, 700])
def test_its_samples_are_those_of_the_whole_file(decoded, inspected, name, start_ms):
    content = SOURCES[name]()
    facts = inspected(content).facts
    part = part_of(content, start_ms, 500)

    whole, heard = decoded(content), decoded(part)
    assert 0 < len(heard) <= 0.5 * facts.sample_rate * facts.channels
    assert heard.tobytes() in whole.tobytes()
    report = inspected(part)
    assert (report.findings, report.warnings) == ((), ())
    assert report.tags.title is None


def test_other_decoders_hear_the_same():
    content = lame("-b:a", "128k")
    whole = miniaudio.decode(content, dither=miniaudio.DitherMode.NONE).samples
    heard = miniaudio.decode(part_of(content, 700, 500), dither=miniaudio.DitherMode.NONE).samples
    assert heard.tobytes() in whole.tobytes()


def test_it_begins_where_it_should(decoded):
    content = lame("-b:a", "128k")
    whole, heard = decoded(content), decoded(part_of(content, 700, 500))
    begins = whole.tobytes().find(heard.tobytes()) // 4
    assert 700 <= begins * 1000 / 44100 <= 700 + 27


def test_at_the_end_it_begins_earlier(decoded):
    content = lame("-b:a", "128k")
    whole, heard = decoded(content), decoded(part_of(content, 60_000, 500))
    assert len(heard) > 0.45 * 44100 * 2
    assert len(whole) - 1152 * 2 <= (whole.tobytes().find(heard.tobytes()) + len(heard) * 2) / 2 <= len(whole)


def test_it_has_no_data_of_the_frames_around_it():
    """Two frames and the reservoir before it are needed; what follows its last frame is not there."""
    content = material.cbr()
    frames = material.frames(content)
    part = part_of(content, 1000, 300)
    taken = [frame for frame in frames if frame in part]
    assert 10 <= len(taken) <= 0.3 * 44100 // 1152 + 2
    (_, _, *_, last) = material.frames(part)
    assert last not in content


def test_a_file_without_frames_has_no_part():
    with pytest.raises(NothingToCut):
        part_of(bytes(2000), 0, 500)
