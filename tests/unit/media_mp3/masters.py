"""Masters of two seconds: WAV and AIFF written here, and other formats encoded once by ffmpeg."""

from __future__ import annotations

import math
import random
import struct
import subprocess
import tempfile
from array import array
from functools import cache
from pathlib import Path

from autonomy_core.media.ffmpeg import find_ffmpeg

RATE = 44100
FRAMES = 2 * RATE
TAGS = {
    "title": "Night Ferry", "artist": "The Quiet Tide", "album": "First Light", "track": "3/9", "disc": "1/2",
    "date": "2019-02-03", "genre": "Folk",
}  # fmt: skip


@cache
def samples(frames: int = FRAMES, channels: int = 2) -> bytes:
    """A tone with noise, as little-endian 16-bit PCM."""
    chance = random.Random(1)
    return array(
        "h", [int(9000 * math.sin(i / 20)) + chance.randrange(-500, 500) for i in range(frames * channels)]
    ).tobytes()


def riff(*chunks: bytes, declared: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if declared is None else declared) + body


def chunk(name: bytes, content: bytes, declared: int | None = None, order: str = "<") -> bytes:
    size = len(content) if declared is None else declared
    return name + struct.pack(f"{order}I", size) + content + b"\0" * (len(content) % 2)


def wav_format(tag: int = 1, channels: int = 2, rate: int = RATE, bits: int = 16) -> bytes:
    align = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits))


@cache
def wav() -> bytes:
    return riff(wav_format(), chunk(b"data", samples()))


def wav_with(pcm: bytes, **shape: int) -> bytes:
    return riff(wav_format(**shape), chunk(b"data", pcm))


def form(*chunks: bytes, kind: bytes = b"AIFF", declared: int | None = None) -> bytes:
    body = kind + b"".join(chunks)
    return b"FORM" + struct.pack(">I", len(body) if declared is None else declared) + body


def common(
    channels: int = 2, frames: int = FRAMES, bits: int = 16, rate: int = RATE, coding: bytes = b""
) -> bytes:
    exponent = rate.bit_length() - 1
    extended = struct.pack(">HQ", 16383 + exponent, rate << 63 - exponent)
    return chunk(b"COMM", struct.pack(">hIh", channels, frames, bits) + extended + coding, order=">")


def sound(pcm: bytes, declared: int | None = None) -> bytes:
    return chunk(b"SSND", bytes(8) + pcm, declared, order=">")


@cache
def aiff() -> bytes:
    big = array("h", samples())
    big.byteswap()
    return form(common(), sound(big.tobytes()))


@cache
def encoded(suffix: str, *options: str) -> bytes:
    """The same audio in another format, with tags."""
    program = find_ffmpeg()
    assert program is not None, "the extra [formats] is part of [development]"
    tags = [part for name, value in TAGS.items() for part in ("-metadata", f"{name}={value}")]
    with tempfile.TemporaryDirectory() as directory:
        source, target = Path(directory) / "source.wav", Path(directory) / f"target{suffix}"
        source.write_bytes(wav())
        subprocess.run([program, "-v", "error", "-i", source, *tags, *options, target], check=True, env={})
        return target.read_bytes()


def flac() -> bytes:
    return encoded(".flac")


def alac() -> bytes:
    return encoded(".m4a", "-c:a", "alac")


def patched(content: bytes, place: int, new: bytes) -> bytes:
    return content[:place] + new + content[place + len(new) :]


def box(content: bytes, kind: bytes) -> int:
    """Where the content of the first box of a type begins."""
    return content.index(kind) + 4
