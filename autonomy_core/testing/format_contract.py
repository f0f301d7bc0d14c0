"""`MediaFormatContract`: what every format of recordings has to keep, as tests to inherit.

In a plugin's tests::

    from autonomy_core.testing.format_contract import MediaFormatContract


    class TestContract(MediaFormatContract):
        @pytest.fixture
        def media_format(self):
            return Vorbis()

ffmpeg makes the files as it does in the worker. A decoded file is compared sample by sample with its master.
"""

from __future__ import annotations

import io
import math
import struct
import sys
from array import array
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from PIL import Image

from autonomy_core.plugin_api.media import (
    FORMAT_NAME,
    Cover,
    FfmpegLimits,
    MediaFormat,
    Recording,
    ReplayGain,
    TrackTags,
    encode,
    encoders,
    input_arguments,
    stream_ffmpeg,
)

SAMPLES: Final = 15_013
"""Of each channel. No format has frames of which this is a multiple, and ffmpeg's length of such an MP3 is
wrong."""
LARGEST_ERROR: Final = 0.05
"""The energy of what a lossy format changes, as a part of the energy of the recording."""
STEREO: Final = Recording(44100, 2, 16, SAMPLES)
SHAPES: Final = {
    "96 kHz, 24 bits": Recording(96000, 2, 24, SAMPLES),
    "mono, 8 bits": Recording(22050, 1, 8, SAMPLES),
    "5.1": Recording(48000, 6, 16, SAMPLES),
}
TAGS: Final = TrackTags(
    title="Nächte = Fähre; #1 \\ \N{MUSICAL SYMBOL G CLEF}",
    artist="The Quiet Tide",
    album="First Light",
    album_artist="Various",
    track="3/9",
    disc="1/2",
    date="2019-02-03",
    genre="Folk",
    isrc="ATS422400001",
    comment="https://shop.example/",
    gain=ReplayGain(-7.5, 0.9, -6.25, 0.95),
)
_NO_FILE: Final = FfmpegLimits(cpu_s=60, wall_s=120.0)


@cache
def samples_of(recording: Recording) -> array[int]:
    """Tones that differ by channel, as 32-bit samples in turn. Bits that the master lacks are zero."""
    lowest = 32 - recording.bits
    return array(
        "i",
        (
            int(6e8 * math.sin(at / (9 + 4 * channel))) >> lowest << lowest
            for at in range(SAMPLES)
            for channel in range(recording.channels)
        ),
    )


def write_master(path: Path, recording: Recording) -> None:
    """Write a WAV file with `samples_of` a recording."""
    bits, channels, width = recording.bits, recording.channels, recording.bits // 8
    flipped = 128 if bits == 8 else 0  # only the samples of 8 bits have no sign
    whole = struct.pack(f"<{len(samples_of(recording))}i", *samples_of(recording))
    pcm = b"".join(whole[at + 4 - width : at + 4] for at in range(0, len(whole), 4))
    pcm = bytes(one ^ flipped for one in pcm) if flipped else pcm
    width = channels * bits // 8
    shape = struct.pack(
        "<HHIIHH", 1, channels, recording.sample_rate, recording.sample_rate * width, width, bits
    )
    body = b"WAVEfmt " + struct.pack("<I", len(shape)) + shape + b"data" + struct.pack("<I", len(pcm)) + pcm
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


def decoded(path: Path, *options: str) -> array[int]:
    """Decode a file to 32-bit samples.

    Args:
        options: ffmpeg's, of the output.
    """
    arguments = [*input_arguments(path), "-map", "0:a:0", *options, "-f", "s32le", "pipe:1"]
    found = array("i", b"".join(stream_ffmpeg(arguments, _NO_FILE)))
    if sys.byteorder == "big":
        found.byteswap()
    return found


def tags_of(path: Path, style: str) -> dict[str, str]:
    """The tags of a file, by ffmpeg's names in lower case.

    Args:
        style: see `MediaFormat.tags`; Ogg has tags of the audio, and not of the container.
    """
    place = "0:s:a:0" if style == "ogg" else "0"
    arguments = [*input_arguments(path), "-map_metadata", place, "-f", "ffmetadata", "pipe:1"]
    text = b"".join(stream_ffmpeg(arguments, _NO_FILE)).decode()
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition("=")
        plain = "".join(value[at] for at in range(len(value)) if not _escapes(value, at))
        found.setdefault(name.lower(), plain)
    return found


def _escapes(value: str, place: int) -> bool:
    """Whether the character escapes the next one: it is a backslash that is not escaped itself."""
    before = value[:place]
    return value[place] == "\\" and (len(before) - len(before.rstrip("\\"))) % 2 == 0


def cover_of(path: Path) -> bytes:
    """The picture in a file."""
    arguments = [*input_arguments(path), "-map", "0:v:0", "-c", "copy", "-f", "image2pipe", "pipe:1"]
    return b"".join(stream_ffmpeg(arguments, _NO_FILE))


def _jpeg() -> Cover:
    """A cover that is too large for an argument of a command line."""
    written = io.BytesIO()
    Image.effect_noise((600, 600), 90).convert("RGB").save(written, "JPEG", quality=90)
    return Cover(written.getvalue(), 600, 600)


@pytest.mark.processes
class MediaFormatContract:
    """Inherit it, and give the fixture ``media_format``."""

    @pytest.fixture
    def media_format(self) -> MediaFormat:
        """The format. Override it."""
        raise NotImplementedError

    def test_it_says_what_it_is(self, media_format: MediaFormat) -> None:
        """Its name is a part of URLs, and its encoder one of ffmpeg's."""
        assert FORMAT_NAME.fullmatch(media_format.name)
        assert media_format.media_type.startswith("audio/")
        assert media_format.extension.startswith(".")
        assert media_format.title
        assert media_format.encoder in encoders()

    @pytest.mark.parametrize("shape", SHAPES)
    def test_no_sample_is_lost_or_added(self, media_format: MediaFormat, tmp_path: Path, shape: str) -> None:
        """So two tracks that belong together play without a gap."""
        recording = SHAPES[shape]
        master, made = tmp_path / "master.wav", tmp_path / "made"
        write_master(master, recording)
        encode(media_format, master, recording, made, demuxer="wav", tags=TAGS)
        _require_same_audio(media_format, recording, master, made)

    def test_tags_and_cover_are_written(self, media_format: MediaFormat, tmp_path: Path) -> None:
        """What the container has a place for; at least title, artist, album, number, date and comment.

        The same again is the same file, so that a worker that was interrupted stores no second one.
        """
        cover = _jpeg()
        master, made, again = (tmp_path / name for name in ("master.wav", "made", "again"))
        write_master(master, STEREO)
        for target in (made, again):
            encode(media_format, master, STEREO, target, demuxer="wav", tags=TAGS, cover=cover)
        assert made.read_bytes() == again.read_bytes()
        _require_same_audio(media_format, STEREO, master, made)
        if media_format.tags == "none":
            return
        found = tags_of(made, media_format.tags)
        for name in ("title", "artist", "album", "track", "date", "genre", "comment"):
            assert found[name] == getattr(TAGS, name)
        if media_format.tags != "riff":
            assert (found["disc"], found["album_artist"]) == (TAGS.disc, TAGS.album_artist)
            assert cover_of(made) == cover.content
            assert (found.get("tsrc") or found["isrc"]) == TAGS.isrc
            assert TAGS.gain is not None
            if media_format.encoder != "libopus":
                assert found["replaygain_album_gain"] == f"{TAGS.gain.album_gain:.2f} dB"


def _require_same_audio(media_format: MediaFormat, recording: Recording, master: Path, made: Path) -> None:
    """Compare a file with its master: all samples of a lossless format, number and energy of a lossy one."""
    heard, (rate, channels) = decoded(made), _shape_of(media_format, recording)
    if media_format.lossless:
        assert heard == samples_of(recording)
        return
    if (rate, channels) == (recording.sample_rate, recording.channels):
        expected = samples_of(recording)
    else:
        expected = decoded(master, "-ar", str(rate), "-ac", str(channels))
    assert len(heard) == len(expected)
    assert _error(heard, expected) < LARGEST_ERROR


def _shape_of(media_format: MediaFormat, recording: Recording) -> tuple[int, int]:
    """The sample rate and the channels of a lossy format, by its options; else those of the master."""
    options = list(media_format.options(recording))
    rate, channels = (
        int(options[options.index(name) + 1]) if name in options else usual
        for name, usual in (("-ar", recording.sample_rate), ("-ac", recording.channels))
    )
    return rate, channels


def _error(heard: Sequence[int], expected: Sequence[int]) -> float:
    changed = math.fsum((a - b) ** 2 for a, b in zip(heard, expected, strict=True))
    return changed / math.fsum(one * one for one in expected)
