"""Masters of two seconds: WAV and AIFF written here, and other formats encoded once by ffmpeg."""

from __future__ import annotations

import hashlib
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
FLAC_BLOCK = 4096
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
    align = channels * -(-bits // 8)
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


@cache
def flac_of(bits: int) -> bytes:
    """FLAC with any number of bits, which ffmpeg does not write. Each sample is written as it is."""
    chance = random.Random(bits)
    found = [one << bits >> 16 for one in array("h", samples())]
    if bits > 16:
        found = [one | chance.randrange(1 << bits - 16) for one in found]
    frames = []
    for number in range(0, FRAMES, FLAC_BLOCK):
        block = found[2 * number : 2 * (number + FLAC_BLOCK)]
        frames.append(_flac_frame(number // FLAC_BLOCK, block, bits))
    stored = b"".join(one.to_bytes(-(-bits // 8), "little", signed=True) for one in found)
    shape = RATE << 44 | 1 << 41 | bits - 1 << 36 | FRAMES
    about = struct.pack(">HH6xQ", FLAC_BLOCK, FLAC_BLOCK, shape) + hashlib.md5(stored).digest()
    return b"fLaC\x80\0\0\x22" + about + b"".join(frames)


def _flac_frame(number: int, block: list[int], bits: int) -> bytes:
    """A frame with two verbatim subframes (RFC 9639, section 9), for numbers below 128."""
    size = {8: 1, 12: 2, 16: 4, 20: 5, 24: 6, 32: 7}.get(bits, 0)
    head = b"\xff\xf8" + bytes((0x79, 1 << 4 | size << 1, number)) + struct.pack(">H", len(block) // 2 - 1)
    head += crc(head, 0x07, 8)
    written = "".join(
        f"{0b10:08b}" + "".join(f"{one & (1 << bits) - 1:0{bits}b}" for one in block[channel::2])
        for channel in (0, 1)
    )
    written += "0" * (-len(written) % 8)
    frame = head + int(written, 2).to_bytes(len(written) // 8, "big")
    return frame + crc(frame, 0x8005, 16)


def crc(data: bytes, polynomial: int, width: int) -> bytes:
    """The remainder of the data, from the highest bit on."""
    value = 0
    for byte in data:
        value ^= byte << width - 8
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value >> width - 1 else 0)) & (1 << width) - 1
    return value.to_bytes(width // 8, "big")


def flac() -> bytes:
    return encoded(".flac")


def alac() -> bytes:
    return encoded(".m4a", "-c:a", "alac")


def patched(content: bytes, place: int, new: bytes) -> bytes:
    return content[:place] + new + content[place + len(new) :]


def box(content: bytes, kind: bytes) -> int:
    """Where the content of the first box of a type begins."""
    return content.index(kind) + 4
