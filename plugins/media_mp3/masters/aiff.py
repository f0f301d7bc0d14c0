"""Parses AIFF and AIFF-C: IFF chunks, of which ``COMM`` and ``SSND`` describe the audio.

Source: Apple, "Audio Interchange File Format: AIFF, Version 1.3", and "AIFF-C, Draft 08/26/91".
"""

from __future__ import annotations

from contextlib import suppress
from typing import BinaryIO, Final

from media_mp3.masters.container import MAX_TEXT_CHUNK_BYTES, Broken, Chunk, Container, chunks, read_at
from media_mp3.masters.wav import add_id3

_CODINGS: Final = {
    b"NONE": ("int", True),
    b"twos": ("int", True),
    b"sowt": ("int", False),
    b"fl32": ("float", True),
    b"FL32": ("float", True),
}
_TEXTS: Final = {b"NAME": "title", b"AUTH": "artist"}


def parse(file: BinaryIO, size: int) -> Container:
    """Read the chunks of an AIFF file.

    Args:
        file: open for reading in binary; it begins with ``FORM``.
        size: bytes in the file.
    """
    found = Container("aiff", big_endian=True)
    end = int.from_bytes(read_at(file, 4, 4), "big") + 8
    if end > size:
        found.add("truncated", declared=end, file=size)
        end = size
    elif size - end > 1:
        found.add("garbage_after_audio", offset=end, bytes=size - end)
    with suppress(Broken):
        _chunks(file, found, end)
    return found


def _chunks(file: BinaryIO, found: Container, end: int) -> None:
    compressed = read_at(file, 8, 4) == b"AIFC"
    sounds: list[Chunk] = []
    for chunk in chunks(file, found, 12, end, "big"):
        if chunk.name == b"COMM":
            _common(file, found, chunk, compressed=compressed)
        elif chunk.name == b"SSND":
            sounds.append(chunk)
        elif chunk.start + chunk.size > end:
            found.add("chunk_beyond_file", chunk=chunk.name.decode(), declared=chunk.size)
        elif chunk.name in _TEXTS:
            raw = read_at(file, chunk.start, min(chunk.size, MAX_TEXT_CHUNK_BYTES))
            found.text(_TEXTS[chunk.name], chunk.name.decode(), raw, ("utf-8", "mac-roman"))
        elif chunk.name in (b"ID3 ", b"id3 "):
            add_id3(file, found, chunk)
    if len(sounds) > 1:
        found.add("header_malformed", offset=sounds[1].start - 8, reason="two SSND chunks")
    else:
        _sound(file, found, sounds[0] if sounds else None, end)


def _common(file: BinaryIO, found: Container, chunk: Chunk, *, compressed: bool) -> None:
    if found.samples is not None:
        found.add("header_malformed", offset=chunk.start - 8, reason="two COMM chunks")
        raise Broken
    head = read_at(file, chunk.start, 22)
    if chunk.size < (22 if compressed else 18) or len(head) < (22 if compressed else 18):
        found.add("header_malformed", offset=chunk.start, reason="COMM is too short")
        raise Broken
    found.channels = int.from_bytes(head[0:2], "big")
    found.samples = int.from_bytes(head[2:6], "big")
    found.bits = int.from_bytes(head[6:8], "big")
    found.sample_rate = extended(head[8:18])
    if compressed:
        coding = _CODINGS.get(head[18:22])
        if coding is None:
            found.add("container_lies", container="AIFF", coding=head[18:22].decode("latin-1"))
            raise Broken
        found.coding = "float" if coding[0] == "float" else "int"
        found.big_endian = coding[1]
    found.check_shape()
    if "bit_depth_unsupported" in {one.code for one in found.findings}:
        raise Broken


def _sound(file: BinaryIO, found: Container, sound: Chunk | None, end: int) -> None:
    if sound is None or found.samples is None:
        if not found.findings:
            found.add("no_audio")
        return
    offset = int.from_bytes(read_at(file, sound.start, 4), "big")
    if sound.size < 8 or offset > sound.size - 8:
        found.add("header_malformed", offset=sound.start, reason="SSND")
        return
    found.start = sound.start + 8 + offset
    declared = found.samples * found.frame_bytes
    available = min(sound.start + sound.size, end) - found.start
    found.length = min(declared, available)
    if declared > available:
        found.add("truncated", declared=declared, file=available)
    elif available - declared > found.frame_bytes:
        found.add("garbage_after_audio", offset=found.start + declared, bytes=available - declared)


def extended(raw: bytes) -> int:
    """Return a number of 80 bits (IEEE 754 extended precision) as a whole number; 0 if it is none."""
    exponent = (int.from_bytes(raw[:2], "big") & 0x7FFF) - 16383
    mantissa = int.from_bytes(raw[2:10], "big")
    return mantissa >> (63 - exponent) if 0 <= exponent <= 31 and not raw[0] & 0x80 else 0
