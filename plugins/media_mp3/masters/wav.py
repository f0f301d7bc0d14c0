"""Parses WAV: RIFF chunks, of which ``fmt `` and ``data`` describe the audio.

Source: Microsoft, "Multimedia Programming Interface and Data Specifications 1.0"; "Multiple Channel Audio
Data and WAVE Files" for WAVE_FORMAT_EXTENSIBLE; EBU Tech 3306 and ITU-R BS.2088 for RF64 and BW64.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO, Final

from media_mp3.masters.container import (
    LARGE,
    MAX_TEXT_CHUNK_BYTES,
    NO_LARGE,
    Broken,
    Chunk,
    Container,
    chunks,
    read_at,
)
from media_mp3.tags.id3v2 import Id3Malformed, parse_header
from media_mp3.tags.scan import Tag

UNKNOWN_SIZES: Final = frozenset((0, 0xFFFFFFFF, 0x7FFFFFFF))
"""What programs declare that write into a pipe, and cannot return to the header."""
WIDE: Final = (b"RF64", b"BW64")
"""How a file begins whose first chunk, ``ds64``, has sizes of 64 bits."""
_DS64_BYTES: Final = 28
_PCM, _FLOAT, _EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
_GUID_TAIL: Final = bytes.fromhex("000000001000800000aa00389b71")
_INFO: Final = {
    b"INAM": "title",
    b"IART": "artist",
    b"IPRD": "album",
    b"IGNR": "genre",
    b"ICRD": "year",
    b"ITRK": "track",
    b"IPRT": "track",
}


def parse(file: BinaryIO, size: int) -> Container:
    """Read the chunks of a WAV file.

    Args:
        file: open for reading in binary; it begins with ``RIFF``, or as `WIDE` says.
        size: bytes in the file.
    """
    found = Container("wav")
    try:
        large = _large_sizes(file, found)
        end = _end(file, found, size, large)
        for chunk in chunks(file, found, 12, end, "little", large=large):
            if chunk.name == b"fmt ":
                _format(file, found, chunk)
            elif chunk.name == b"data":
                _data(found, chunk, end)
                if chunk.size in UNKNOWN_SIZES:
                    break
            else:
                _other(file, found, chunk, end)
    except Broken:
        return found
    if not found.start and not found.findings:
        found.add("no_audio")
    return found


def _large_sizes(file: BinaryIO, found: Container) -> Mapping[bytes, int]:
    """The sizes of 64 bits: that of the whole RIFF by its own name, and that of ``data``."""
    name = read_at(file, 0, 4)
    if name not in WIDE:
        return NO_LARGE
    head = read_at(file, 12, 8 + _DS64_BYTES)
    if not head.startswith(b"ds64") or len(head) < 8 + _DS64_BYTES:
        found.add("header_malformed", offset=12, reason="no ds64 chunk begins here")
        raise Broken
    whole, data = (int.from_bytes(head[start : start + 8], "little") for start in (8, 16))
    return {name: whole, b"data": data}


def _end(file: BinaryIO, found: Container, size: int, large: Mapping[bytes, int]) -> int:
    """Where the RIFF ends by its own word, or the file if that is shorter or the word says nothing."""
    head = read_at(file, 0, 8)
    declared = int.from_bytes(head[4:8], "little")
    if declared == LARGE:
        declared = large.get(head[:4], declared)
    end = declared + 8
    if declared in UNKNOWN_SIZES:
        return size
    if end > size:
        found.add("truncated", declared=end, file=size)
        return size
    if size - end > 1:
        found.add("garbage_after_audio", offset=end, bytes=size - end)
    return end


def _other(file: BinaryIO, found: Container, chunk: Chunk, end: int) -> None:
    if chunk.start + chunk.size > end:
        found.add("chunk_beyond_file", chunk=chunk.name.decode(), declared=chunk.size)
    elif chunk.name == b"LIST":
        _info(file, found, chunk)
    elif chunk.name in (b"id3 ", b"ID3 "):
        add_id3(file, found, chunk)


def _format(file: BinaryIO, found: Container, chunk: Chunk) -> None:
    if found.frame_bytes:
        found.add("header_malformed", offset=chunk.start - 8, reason="two fmt chunks")
        raise Broken
    head = read_at(file, chunk.start, min(chunk.size, 40))
    if chunk.size < 16 or len(head) < 16:
        found.add("header_malformed", offset=chunk.start, reason="fmt is too short")
        raise Broken
    tag = int.from_bytes(head[0:2], "little")
    found.channels = int.from_bytes(head[2:4], "little")
    found.sample_rate = int.from_bytes(head[4:8], "little")
    align, found.bits = int.from_bytes(head[12:14], "little"), int.from_bytes(head[14:16], "little")
    if tag == _EXTENSIBLE and head[26:40] == _GUID_TAIL:
        tag = int.from_bytes(head[24:26], "little")
    if tag not in (_PCM, _FLOAT):
        found.add("container_lies", container="WAV", coding=f"0x{tag:04x}")
        raise Broken
    found.coding = "float" if tag == _FLOAT else "int"
    found.check_shape()
    if not found.findings and align != found.frame_bytes:
        found.add("header_malformed", offset=chunk.start, reason="block alignment")
    if found.findings:
        raise Broken


def _data(found: Container, chunk: Chunk, end: int) -> None:
    if not found.frame_bytes or found.start:
        reason = "two data chunks" if found.start else "data before fmt"
        found.add("header_malformed", offset=chunk.start - 8, reason=reason)
        raise Broken
    found.start, available = chunk.start, end - chunk.start
    if chunk.size in UNKNOWN_SIZES:
        found.length = available
        if available:
            found.add("length_undeclared")
    else:
        found.length = min(chunk.size, available)
        if chunk.size > available:
            found.add("truncated", declared=chunk.size, file=available)
        found.samples = chunk.size // found.frame_bytes


def _info(file: BinaryIO, found: Container, chunk: Chunk) -> None:
    if read_at(file, chunk.start, 4) != b"INFO":
        return
    quiet = Container("wav")
    # Some programs do not pad texts. The rest of the texts is lost then; the audio is not.
    with suppress(Broken):
        for each in chunks(file, quiet, chunk.start + 4, chunk.start + chunk.size, "little"):
            if each.start + each.size > chunk.start + chunk.size:
                found.add("chunk_beyond_file", chunk=each.name.decode(), declared=each.size)
                return
            name = _INFO.get(each.name)
            raw = read_at(file, each.start, min(each.size, MAX_TEXT_CHUNK_BYTES)) if name else b""
            found.text(name, each.name.decode(), raw, ("utf-8", "cp1252"))


def add_id3(file: BinaryIO, found: Container, chunk: Chunk) -> None:
    """Note an ID3v2 tag inside a chunk, if it fits there."""
    try:
        header = parse_header(read_at(file, chunk.start, 10))
    except Id3Malformed:
        found.add("id3_malformed", offset=chunk.start)
        return
    if header is None:
        return
    if header.total_bytes > chunk.size:
        found.add("id3_size_beyond_file", declared=header.total_bytes, file=chunk.size)
    elif header.total_bytes > MAX_TEXT_CHUNK_BYTES:
        found.add("id3_too_large", size=header.total_bytes, most=MAX_TEXT_CHUNK_BYTES)
    else:
        found.id3.append(Tag("id3v2", chunk.start, header.total_bytes))
