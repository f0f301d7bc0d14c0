"""Test files: real MP3s, and other formats that are uploaded as MP3."""

from __future__ import annotations

import io
import random
import struct
import wave
import zlib
from array import array
from collections.abc import Mapping
from functools import cache

from demo import music
from demo.id3 import Id3Tag, cover_png, synchsafe
from media_mp3.mpeg.header import FrameHeader, parse_header

PIECE = music.PIECES[2]


@cache
def cbr(sample_rate: int = 44100, channels: int = 2) -> bytes:
    """Three seconds of music at a constant bitrate, without tags."""
    return music.encode(_seconds(3, sample_rate, channels), sample_rate=sample_rate, channels=channels)


@cache
def vbr() -> bytes:
    """Six seconds at a variable bitrate with a true Xing header, as the LAME program writes it."""
    audio = music.encode(_seconds(6, 44100, 2), vbr=True)
    return xing(len(frames(audio)), len(audio)) + audio


def _seconds(seconds: int, sample_rate: int, channels: int) -> array[int]:
    samples = music.synthesise(PIECE, sample_rate=sample_rate, channels=channels)
    return samples[: seconds * sample_rate * channels]


def tagged(version: int = 3) -> bytes:
    return music.tag(PIECE, version=version) + cbr()


def header_of(frame: bytes) -> FrameHeader:
    header = parse_header(int.from_bytes(frame[:4]))
    assert header is not None
    return header


def frames(audio: bytes) -> list[bytes]:
    """The frames of audio that has nothing but frames."""
    position, found = 0, []
    while position < len(audio):
        length = header_of(audio[position : position + 4]).length
        found.append(audio[position : position + length])
        position += length
    return found


def xing(count: int, size: int, *, name: bytes = b"Xing", trimmed: tuple[int, int] = (0, 0)) -> bytes:
    """A frame of 128 kbit/s, 44.1 kHz, stereo, that declares ``count`` frames in ``size`` bytes."""
    delay, padding = trimmed
    lame = b"LAME3.100".ljust(21, b"\0") + (delay << 12 | padding).to_bytes(3) + bytes(12)
    table = bytes(round(i * 2.55) for i in range(100))
    declared = struct.pack(">4sIII", name, 15, count, size + 417) + table + struct.pack(">I", 50)
    return (b"\xff\xfb\x90\x64" + bytes(32) + declared + lame).ljust(417, b"\0")


def vbri(count: int, size: int) -> bytes:
    block = struct.pack(">4sHHHII", b"VBRI", 1, 0, 75, size + 417, count)
    return (b"\xff\xfb\x90\x64" + bytes(32) + block).ljust(417, b"\0")


def layer2() -> bytes:
    """Half a minute of silence as MP2: 192 kbit/s, 44.1 kHz, whose frames have 626 bytes without padding."""
    return (b"\xff\xfd\xa0\x04" + bytes(622)) * 1000


def layer1() -> bytes:
    """MPEG layer I at 192 kbit/s and 48 kHz, whose frames have 192 bytes."""
    return (b"\xff\xff\x64\x04" + bytes(188)) * 300


def free_format() -> bytes:
    return (b"\xff\xfb\x00\x64" + bytes(600)) * 200


def random_side_info() -> bytes:
    """Frames with valid headers and random content."""
    chance = random.Random(1)
    return b"".join(frame[:4] + chance.randbytes(32) + frame[36:] for frame in frames(cbr()))


def with_damaged_frames(first: int, count: int) -> bytes:
    chance, all_frames = random.Random(2), frames(cbr())
    for index in range(first, first + count):
        frame = all_frames[index]
        all_frames[index] = frame[:4] + chance.randbytes(32) + frame[36:]
    return b"".join(all_frames)


def wav_with_mp3_inside() -> bytes:
    audio = cbr()
    head = struct.pack(
        "<4sI4s4sIHHIIHH", b"RIFF", 36 + len(audio), b"WAVE", b"fmt ", 16, 0x55, 2, 44100, 16000, 1, 0
    )
    return head + struct.pack("<4sI", b"data", len(audio)) + audio


def wav() -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(bytes(88200))
    return target.getvalue()


def mp4_with_mp3_inside() -> bytes:
    audio = cbr()
    return (
        struct.pack(">I8sI4s", 20, b"ftypisom", 512, b"isom")
        + struct.pack(">I4s", 8 + len(audio), b"mdat")
        + audio
    )


def id3_with(name: str, content: bytes, *, version: int = 3, flags: int = 0) -> bytes:
    """An ID3v2 tag with a title and one more frame."""
    tag = Id3Tag(version)
    tag.add_text("TIT2", "Title")
    tag.add_frame(name, content, flags=flags)
    return tag.to_bytes()


def compressed_text_bomb() -> bytes:
    """A TXXX frame of a few kilobytes that zlib expands to 95 MB of NUL characters."""
    packed = zlib.compress(b"\x00" + bytes(95_000_000), 9)
    return id3_with("TXXX", struct.pack(">I", 95_000_001) + packed, flags=0x80) + cbr()


def compressed_picture() -> bytes:
    content = b"\x00image/png\x00\x03\x00" + cover_png((9, 9, 9)) + bytes(50_000_000)
    packed = synchsafe(len(content) & 0x0FFFFFFF) + zlib.compress(content, 9)
    return id3_with("APIC", packed, version=4, flags=0x09) + cbr()


def id3_with_many_frames() -> bytes:
    """A few hundred thousand values: a reader that compares each with all others needs a minute."""
    tag = Id3Tag(3)
    for number in range(5000):
        tag.add_frame("TXXX", b"\0a\0%d" % number)
    return tag.to_bytes() + cbr()


def id3_with_big_cover() -> bytes:
    """A megabyte of cover, as photographs have it."""
    noise = random.Random(3).randbytes(1_000_000)
    return id3_with("APIC", b"\x00image/png\x00\x03\x00" + cover_png((9, 9, 9)) + noise)


def id3_with_footer() -> bytes:
    body = b"".join((b"TIT2", synchsafe(6), b"\0\0", b"\x03Title"))
    head = bytes((4, 0, 0x10)) + synchsafe(len(body))
    return b"ID3" + head + body + b"3DI" + head


def id3v1() -> bytes:
    return b"TAG" + b"Old title".ljust(30, b"\0") + b"Old artist".ljust(30, b"\0") + bytes(65)


def ape(items: Mapping[str, bytes] | None = None, *, declared: int | None = None) -> bytes:
    """An APEv2 tag with a header and a footer."""
    items = items if items is not None else {"Title": b"Title"}
    body = b"".join(
        struct.pack("<II", len(text), 0) + key.encode() + b"\0" + text for key, text in items.items()
    )
    size = len(body) + 32 if declared is None else declared

    def edge(flags: int) -> bytes:
        return struct.pack("<8sIIII8x", b"APETAGEX", 2000, size, len(items), flags)

    return edge(0xA0000000) + body + edge(0x80000000)


def lyrics3() -> bytes:
    text = b"LYRICSBEGIN" + b"INDLYR00005words"
    return text + b"%06d" % len(text) + b"LYRICS200"


def lyrics3_v1(length: int = 200) -> bytes:
    """Version 1.00, which does not say its length and stands before an ID3v1 tag."""
    return b"LYRICSBEGIN" + b"w" * length + b"LYRICSEND"


def tag_plus() -> bytes:
    """The tag of 227 bytes that some programs put before an ID3v1 tag, for longer titles."""
    return b"TAG+" + b"A longer title".ljust(223, b"\0")


def id3_frame(name: str, content: bytes, *, version: int = 3, flags: int = 0) -> bytes:
    size = synchsafe(len(content)) if version == 4 else struct.pack(">I", len(content))
    return name.encode() + size + struct.pack(">H", flags) + content


def id3_of(*frames: bytes, version: int = 3, flags: int = 0) -> bytes:
    """An ID3v2 tag of frames that are written already."""
    body = b"".join(frames)
    return b"ID3" + bytes((version, 0, flags)) + synchsafe(len(body)) + body


def unsynchronised(data: bytes) -> bytes:
    """As ID3v2.4, section 6.1, has it: a NUL behind each 0xFF that could be taken for audio."""
    stored = bytearray()
    for position, byte in enumerate(data):
        stored.append(byte)
        following = data[position + 1] if position + 1 < len(data) else 0xFF
        if byte == 0xFF and (following >= 0xE0 or following == 0):
            stored.append(0)
    return bytes(stored)


def unsynchronised_frame(name: str, content: bytes) -> bytes:
    """A frame of ID3v2.4 with a flag, and with its length without unsynchronisation."""
    return id3_frame(name, synchsafe(len(content)) + unsynchronised(content), version=4, flags=0x0003)


def utf16(text: str) -> bytes:
    return b"\x01" + text.encode("utf-16")


def many_distinct_artists() -> bytes:
    """Half a megabyte of distinct artists: a reader that compares each with all others needs a minute."""
    frames, number = [], 0
    for _ in range(8):
        texts = bytearray(b"\x03")
        while len(texts) < 64_000:
            texts += b"%x\0" % number
            number += 1
        frames.append(id3_frame("TPE1", bytes(texts), version=4))
    return id3_of(*frames, version=4) + cbr()
