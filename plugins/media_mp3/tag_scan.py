"""Finds where the audio lies between the tags, and refuses tags that lie about their size or hide their content.

Sizes are read here rather than by a tag library, because a library that expands or decodes what it is told to is
the way in for an attack. Formats: id3.org (v1, v2.2, v2.3, v2.4), Monkey's Audio APEv2, Lyrics3 v2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, NamedTuple

from media_mp3.domain import Finding, finding

MAX_ID3_BYTES = 16 * 1024 * 1024
MAX_ID3_FRAMES = 4096
MAX_TEXT_BYTES = 64 * 1024

_ID3_HEADER_BYTES = 10
_APE_FOOTER_BYTES = 32
_ID3V1_BYTES = 128
_LYRICS3_FOOTER_BYTES = 15
_MOST_TAGS = 8
_TEXT_FRAMES = ("T", "W", "COM", "USLT", "ULT", "SYLT", "SLT")
_FRAME_ID = re.compile(rb"[A-Z][A-Z0-9]{2,3}")


@dataclass(frozen=True, slots=True)
class TagScan:
    """Where the audio lies, in bytes from the start of the file, and what is wrong with the tags around it.

    Attributes:
        complete: False when a tag lies about its size, so that the bounds are not known.
    """

    audio_start: int
    audio_end: int
    findings: tuple[Finding, ...]
    complete: bool = True


class _Id3Header(NamedTuple):
    major: int
    flags: int
    body_bytes: int

    @property
    def total_bytes(self) -> int:
        footer = _ID3_HEADER_BYTES if self.major == 4 and self.flags & 0x10 else 0
        return _ID3_HEADER_BYTES + self.body_bytes + footer


class _Frame(NamedTuple):
    name: str
    size: int
    compressed: bool
    overrun: bool


class _Unbounded(Exception):
    """A tag whose end cannot be known."""

    def __init__(self, reason: Finding) -> None:
        super().__init__(reason.code)
        self.reason = reason


def scan_tags(file: BinaryIO, size: int) -> TagScan:
    """Step over the tags at both ends of a file.

    Args:
        file: open for reading in binary.
        size: bytes in the file.
    """
    findings: list[Finding] = []
    start, end = 0, size
    try:
        start = _skip_leading_tags(file, size, findings)
        end = _skip_trailing_tags(file, start, size, findings)
    except _Unbounded as error:
        return TagScan(start, end, (*findings, error.reason), complete=False)
    return TagScan(start, end, tuple(findings))


def _skip_leading_tags(file: BinaryIO, size: int, findings: list[Finding]) -> int:
    start = 0
    for _ in range(_MOST_TAGS):
        header = _id3_header(_read(file, start, _ID3_HEADER_BYTES), b"ID3", start)
        if header is None:
            break
        if start + header.total_bytes > size:
            raise _Unbounded(finding("id3_size_beyond_file", declared=header.total_bytes, file=size - start))
        findings += _check_id3(file, start, header)
        start += header.total_bytes
    return start


def _skip_trailing_tags(file: BinaryIO, start: int, end: int, findings: list[Finding]) -> int:
    for _ in range(_MOST_TAGS):
        length = _trailing_tag_bytes(file, start, end, findings)
        if length == 0:
            break
        end -= length
    return end


def _trailing_tag_bytes(file: BinaryIO, start: int, end: int, findings: list[Finding]) -> int:
    """The length of the tag that ends at ``end``, 0 when there is none."""
    tail = _read(file, max(start, end - _ID3V1_BYTES), min(end - start, _ID3V1_BYTES))
    if len(tail) == _ID3V1_BYTES and tail.startswith(b"TAG"):
        return _ID3V1_BYTES
    if tail[-_APE_FOOTER_BYTES:].startswith(b"APETAGEX"):
        return _ape_bytes(tail[-_APE_FOOTER_BYTES:], end - start)
    if tail.endswith(b"LYRICS200") and tail[-15:-9].isdigit():
        declared = int(tail[-15:-9]) + _LYRICS3_FOOTER_BYTES
        return declared if declared <= end - start else 0
    footer = _id3_header(tail[-_ID3_HEADER_BYTES:], b"3DI", end - _ID3_HEADER_BYTES)
    if footer is None:
        return 0
    if footer.total_bytes > end - start:
        raise _Unbounded(finding("id3_size_beyond_file", declared=footer.total_bytes, file=end - start))
    findings += _check_id3(file, end - footer.total_bytes, footer)
    return footer.total_bytes


def _ape_bytes(footer: bytes, available: int) -> int:
    has_header = int.from_bytes(footer[20:24], "little") >> 31
    declared = int.from_bytes(footer[12:16], "little") + (_APE_FOOTER_BYTES if has_header else 0)
    if not _APE_FOOTER_BYTES <= declared <= available:
        raise _Unbounded(finding("ape_size_beyond_file", declared=declared, file=available))
    return declared


def _id3_header(data: bytes, magic: bytes, offset: int) -> _Id3Header | None:
    if len(data) < _ID3_HEADER_BYTES or not data.startswith(magic):
        return None
    if data[3] not in (2, 3, 4) or any(byte > 0x7F for byte in data[6:10]):
        raise _Unbounded(finding("id3_malformed", offset=offset))
    return _Id3Header(major=data[3], flags=data[5], body_bytes=_synchsafe(data[6:10]))


def _check_id3(file: BinaryIO, start: int, header: _Id3Header) -> list[Finding]:
    if header.body_bytes > MAX_ID3_BYTES:
        return [finding("id3_too_large", size=header.body_bytes, most=MAX_ID3_BYTES)]
    if header.major == 2 and header.flags & 0x40:
        return [finding("id3_compressed_frame", frame="whole tag")]
    body = _read(file, start + _ID3_HEADER_BYTES, header.body_bytes)
    if header.major < 4 and header.flags & 0x80:
        body = body.replace(b"\xff\x00", b"\xff")  # sizes count the bytes before unsynchronisation
    frames = list(islice(_frames(body, header), MAX_ID3_FRAMES + 1))
    if len(frames) > MAX_ID3_FRAMES:
        return [finding("id3_too_many_frames", most=MAX_ID3_FRAMES)]
    # One finding of a code is enough, however many frames have the fault.
    found = {item.code: item for frame in frames for item in _check_frame(frame)}
    return list(found.values())


def _check_frame(frame: _Frame) -> Iterator[Finding]:
    if frame.overrun:
        yield finding("id3_frame_beyond_tag", frame=frame.name, declared=frame.size)
        return
    if frame.compressed:
        yield finding("id3_compressed_frame", frame=frame.name)
    if frame.size > MAX_TEXT_BYTES and frame.name.startswith(_TEXT_FRAMES):
        yield finding("id3_text_too_long", frame=frame.name, size=frame.size, most=MAX_TEXT_BYTES)


def _frames(body: bytes, header: _Id3Header) -> Iterator[_Frame]:
    name_bytes, header_bytes = (3, 6) if header.major == 2 else (4, 10)
    position = _extended_header_bytes(body, header)
    while position + header_bytes <= len(body):
        name = body[position : position + name_bytes]
        if not _FRAME_ID.fullmatch(name):
            return  # padding
        size = _frame_bytes(body, position, header.major)
        flags = body[position + 9] if header.major > 2 else 0
        compressed = bool(flags & (0x80 if header.major == 3 else 0x08))
        position += header_bytes + size
        yield _Frame(name.decode(), size, compressed, overrun=position > len(body))


def _frame_bytes(body: bytes, position: int, major: int) -> int:
    if major == 2:
        return int.from_bytes(body[position + 3 : position + 6])
    raw = body[position + 4 : position + 8]
    plain = int.from_bytes(raw)
    if major == 3:
        return plain
    # Old versions of iTunes wrote plain sizes into v2.4 tags: take the reading after which a frame or the end follows.
    if max(raw) > 0x7F or not _frame_may_begin(body, position + 10 + _synchsafe(raw)):
        return plain if _frame_may_begin(body, position + 10 + plain) else _synchsafe(raw)
    return _synchsafe(raw)


def _frame_may_begin(body: bytes, position: int) -> bool:
    following = body[position : position + 4]
    return position == len(body) or following[:1] == b"\0" or bool(_FRAME_ID.fullmatch(following))


def _extended_header_bytes(body: bytes, header: _Id3Header) -> int:
    if header.major == 2 or not header.flags & 0x40:
        return 0
    return _synchsafe(body[:4]) if header.major == 4 else 4 + int.from_bytes(body[:4])


def _synchsafe(raw: bytes) -> int:
    value = 0
    for byte in raw:
        value = value << 7 | byte & 0x7F
    return value


def _read(file: BinaryIO, position: int, length: int) -> bytes:
    file.seek(position)
    return file.read(length)
