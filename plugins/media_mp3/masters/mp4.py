"""Parses MP4 with ALAC: the boxes that describe the audio, and the places of its packets. ffmpeg decodes it.

Source: ISO/IEC 14496-12 (boxes and sample tables); Apple, "ALAC magic cookie"; iTunes metadata (``ilst``).
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from media_mp3.domain import finding
from media_mp3.masters.by_ffmpeg import decoded
from media_mp3.masters.container import (
    MAX_CHUNKS,
    MAX_TEXT_CHUNK_BYTES,
    Broken,
    Container,
    NotDecoded,
    read_at,
)
from media_mp3.mpeg.decode import Decoded, Waveform
from media_mp3.tags.genres import genre_of

_BITS: Final = frozenset((16, 20, 24, 32))
_PACKET_HEADERS: Final = 64
"""More bytes than a packet has besides its samples."""
_MAX_TABLE_BYTES: Final = 64 * 1024 * 1024
_SILENT_TRACKS: Final = frozenset((b"text", b"sbtl", b"subt", b"meta"))
_TEXTS: Final = {
    b"\xa9nam": "title",
    b"\xa9ART": "artist",
    b"aART": "album_artist",
    b"\xa9alb": "album",
    b"\xa9gen": "genre",
    b"\xa9day": "year",
}
_NUMBERS: Final = {b"trkn": "track", b"disk": "disc"}


class Box(NamedTuple):
    """A box: its type, and where its content begins and ends, in bytes from the start of the file."""

    kind: bytes
    start: int
    end: int


def parse(file: BinaryIO, size: int) -> Container:
    """Read the boxes of an MP4 file.

    Args:
        file: open for reading in binary; its second to fourth word begin with ``ftyp``.
        size: bytes in the file.
    """
    found = Container("alac", big_endian=True)
    with suppress(Broken):
        _file(file, found, size)
    return found


def _file(file: BinaryIO, found: Container, size: int) -> None:
    outer = list(_boxes(file, found, 0, size))
    kinds = [box.kind for box in outer]
    if b"moof" in kinds:
        found.add("header_malformed", offset=0, reason="the file is fragmented")
        raise Broken
    if kinds.count(b"moov") != 1 or b"mdat" not in kinds:
        found.add("truncated", reason="there is no moov or no mdat")
        raise Broken
    movie = outer[kinds.index(b"moov")]
    sounds = []
    for track in _children(file, found, movie, b"trak"):
        handler = _path(file, found, track, b"mdia", b"hdlr")
        kind = read_at(file, handler.start + 8, 4)
        if kind == b"soun":
            sounds.append(track)
        elif kind not in _SILENT_TRACKS:
            found.add("container_lies", container="MP4", coding=kind.decode("latin-1"))
            raise Broken
    if len(sounds) != 1:
        found.add("container_lies", container="MP4", coding=f"{len(sounds)} audio tracks")
        raise Broken
    table = _path(file, found, sounds[0], b"mdia", b"minf", b"stbl")
    _description(file, found, _path(file, found, table, b"stsd"))
    _times(file, found, _path(file, found, table, b"stts"))
    _places(file, found, table, [box for box in outer if box.kind == b"mdat"])
    _texts(file, found, movie)


def _boxes(file: BinaryIO, found: Container, position: int, end: int) -> Iterator[Box]:
    for _ in range(MAX_CHUNKS):
        if position == end:
            return
        head = read_at(file, position, 16)
        size, kind, header = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1:
            size, header = int.from_bytes(head[8:16], "big"), 16
        elif size == 0:
            size = end - position
        if end - position < 8 or size < header or not all(byte >= 0x20 for byte in kind):
            found.add("header_malformed", offset=position, reason="no box begins here")
            raise Broken
        if position + size > end:
            code = "truncated" if kind in (b"mdat", b"moov") else "chunk_beyond_file"
            found.add(code, chunk=kind.decode("latin-1"), declared=size)
            raise Broken
        yield Box(kind, position + header, position + size)
        position += size
    found.add("too_many_chunks", most=MAX_CHUNKS)
    raise Broken


def _children(file: BinaryIO, found: Container, box: Box, kind: bytes) -> list[Box]:
    return [child for child in _boxes(file, found, box.start, box.end) if child.kind == kind]


def _path(file: BinaryIO, found: Container, box: Box, *kinds: bytes) -> Box:
    """The box inside a box, by the types on the way.

    Raises:
        Broken: there is none.
    """
    for kind in kinds:
        inside = _children(file, found, box, kind)
        if not inside:
            found.add("header_malformed", offset=box.start, reason=f"no {kind.decode()}")
            raise Broken
        box = inside[0]
    return box


def _description(file: BinaryIO, found: Container, box: Box) -> None:
    entry = read_at(file, box.start + 8, min(box.end - box.start - 8, 4096))
    if entry[4:8] != b"alac":
        found.add("container_lies", container="MP4", coding=entry[4:8].decode("latin-1"))
        raise Broken
    cookie = entry.find(b"alac", 8)
    config = entry[cookie + 8 : cookie + 32]
    if int.from_bytes(read_at(file, box.start + 4, 4), "big") != 1 or cookie < 0 or len(config) < 24:
        found.add("header_malformed", offset=box.start, reason="ALAC configuration")
        raise Broken
    found.bits, found.channels = config[5], config[9]
    found.sample_rate = int.from_bytes(config[20:24], "big")
    found.check_shape()
    if found.bits not in _BITS:
        found.add("bit_depth_unsupported", bits=found.bits, coding=found.coding)
    if found.findings:
        raise Broken


def _table(file: BinaryIO, found: Container, box: Box, width: int, *, skip: int = 0) -> array[int]:
    """The 32-bit numbers of a table, whose count stands before them; ``width`` of them make an entry."""
    count = int.from_bytes(read_at(file, box.start + 4 + skip, 4), "big")
    size = count * width * 4
    if box.start + 8 + skip + size > box.end or size > _MAX_TABLE_BYTES:
        found.add("chunk_beyond_file", chunk=box.kind.decode("latin-1"), declared=size)
        raise Broken
    numbers = array("I", read_at(file, box.start + 8 + skip, size))
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _times(file: BinaryIO, found: Container, box: Box) -> None:
    numbers = _table(file, found, box, 2)
    found.samples = sum(count * each for count, each in zip(numbers[::2], numbers[1::2], strict=True))
    if found.samples == 0:
        found.add("no_audio")
        raise Broken


def _places(file: BinaryIO, found: Container, table: Box, data: list[Box]) -> None:
    """Make sure that every packet lies inside the data of the file."""
    sizes_box = _path(file, found, table, b"stsz")
    equal = int.from_bytes(read_at(file, sizes_box.start + 4, 4), "big")
    if equal:
        count = int.from_bytes(read_at(file, sizes_box.start + 8, 4), "big")
        total, packets = equal * count, count
    else:
        sizes = _table(file, found, sizes_box, 1, skip=4)
        total, packets = sum(sizes), len(sizes)
    held = sum(box.end - box.start for box in data)
    if total > held:
        found.add("truncated", declared=total, file=held)
        raise Broken
    # A packet has one sample at least, and is hardly larger than the samples would be without compression.
    samples = found.samples or 0
    if packets > samples or total > samples * found.frame_bytes + packets * _PACKET_HEADERS:
        found.add("header_malformed", offset=sizes_box.start, reason="packets larger than their audio")
        raise Broken
    narrow = _children(file, found, table, b"stco")
    wide = _children(file, found, table, b"co64")
    if not (narrow or wide) or not packets:
        found.add("header_malformed", offset=table.start, reason="no places of packets")
        raise Broken
    numbers = _table(file, found, (narrow or wide)[0], 1 if narrow else 2)
    places = numbers if narrow else [a << 32 | b for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    outside = [at for at in places if not any(box.start <= at < box.end for box in data)]
    if outside:
        found.add("truncated", offset=outside[0], reason="packets lie outside of the data")
        raise Broken
    found.start, found.length = min(places), total


def _texts(file: BinaryIO, found: Container, movie: Box) -> None:
    """Read iTunes' tags: ``moov.udta.meta.ilst``. What is not as it should be is left out."""
    quiet = Container("alac")
    try:
        meta = _path(file, quiet, movie, b"udta", b"meta")
        items = _path(file, quiet, Box(meta.kind, meta.start + 4, meta.end), b"ilst")
        for item in _boxes(file, quiet, items.start, items.end):
            if item.kind not in _TEXTS and item.kind not in _NUMBERS and item.kind != b"gnre":
                continue
            value = _path(file, quiet, item, b"data")
            raw = read_at(file, value.start + 8, min(value.end - value.start - 8, MAX_TEXT_CHUNK_BYTES))
            if item.kind in _NUMBERS:
                found.text(_NUMBERS[item.kind], "", b"%d" % int.from_bytes(raw[2:4], "big"), ("ascii",))
            elif item.kind == b"gnre":
                named = genre_of(int.from_bytes(raw[:2], "big") - 1) or ""
                found.text("genre", "gnre", named.encode(), ("utf-8",))
            else:
                found.text(_TEXTS[item.kind], item.kind.decode("latin-1"), raw, ("utf-8",))
    except Broken:
        return


def decode(path: Path, found: Container) -> Decoded:
    """Decode with ffmpeg, and compare the number of samples."""
    expected = found.samples or 0
    waveform = Waveform(expected, found.channels)
    # Without the edit list, which may hide samples, the samples are those that the table counts.
    pieces = decoded(path, "mov", 16, found.channels, "-ignore_editlist", "1", name="ALAC")
    try:
        for piece in pieces:
            samples = array("h", piece)
            if sys.byteorder == "big":
                samples.byteswap()
            waveform.add(samples)
    except NotDecoded as error:
        return Decoded((error.finding,))
    if waveform.samples != expected:
        decoded_ms, walked_ms = (1000 * n // found.sample_rate for n in (waveform.samples, expected))
        return Decoded((finding("decode_mismatch", decoded_ms=decoded_ms, walked_ms=walked_ms),))
    return Decoded((), waveform.scaled())
