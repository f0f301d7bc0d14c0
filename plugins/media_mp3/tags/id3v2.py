"""Reads the structure of ID3v2 tags: the header, the frames, and the bytes that a frame holds.

Sizes are checked and nothing is decompressed. Source: id3.org, ID3v2.2, "ID3 tag version 2.3.0" and
"2.4.0 - Main Structure".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

HEADER_BYTES = 10

_UNSYNCHRONISED, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
_FRAME_ID = re.compile(rb"[A-Z][A-Z0-9]{2,3}")


class Id3Malformed(ValueError):
    """The header begins like one and is not valid."""


class Id3Header(NamedTuple):
    """The header of a tag.

    Attributes:
        major: 2, 3 or 4, for ID3v2.2 to ID3v2.4.
        flags: the tag's flag byte.
        body_bytes: bytes between the header and the end, or the footer.
    """

    major: int
    flags: int
    body_bytes: int

    @property
    def total_bytes(self) -> int:
        """Bytes of the whole tag."""
        footer = HEADER_BYTES if self.major == 4 and self.flags & _FOOTER else 0
        return HEADER_BYTES + self.body_bytes + footer

    @property
    def compressed(self) -> bool:
        """Whether the tag is compressed as a whole, which only v2.2 allows."""
        return self.major == 2 and bool(self.flags & _EXTENDED)


class Frame(NamedTuple):
    """One frame of a tag.

    Attributes:
        start: where its content begins in the body.
        size: bytes of the content.
        overrun: whether it declares more bytes than the tag has.
        unsynchronised: whether unsynchronisation must be undone for this frame alone.
        prefix: bytes of the content that precede what the frame holds.
    """

    name: str
    start: int
    size: int
    overrun: bool
    compressed: bool = False
    encrypted: bool = False
    unsynchronised: bool = False
    prefix: int = 0


def parse_header(data: bytes, magic: bytes = b"ID3") -> Id3Header | None:
    """Read the header of a tag, or the footer with the magic ``3DI``; None when there is none.

    Args:
        data: at least `HEADER_BYTES` from where it begins.

    Raises:
        Id3Malformed: the version is unknown, or the size is no size.
    """
    if len(data) < HEADER_BYTES or not data.startswith(magic):
        return None
    if data[3] not in (2, 3, 4) or any(byte > 0x7F for byte in data[6:10]):
        raise Id3Malformed
    return Id3Header(major=data[3], flags=data[5], body_bytes=synchsafe(data[6:10]))


def read_body(file: BinaryIO, start: int, header: Id3Header) -> bytes:
    """The body of the tag that begins at ``start``, without the unsynchronisation of a whole tag."""
    file.seek(start + HEADER_BYTES)
    body = file.read(header.body_bytes)
    # Up to v2.3 it covers the whole tag, and sizes count the bytes before it. In v2.4 it covers one frame.
    return undo_unsynchronisation(body) if header.major < 4 and header.flags & _UNSYNCHRONISED else body


def undo_unsynchronisation(data: bytes) -> bytes:
    """Remove the NUL that follows each 0xFF (ID3v2.4, section 6.1)."""
    return data.replace(b"\xff\x00", b"\xff")


def frames(body: bytes, header: Id3Header) -> Iterator[Frame]:
    """The frames of a body, up to the padding or to the first that is longer than the tag."""
    name_bytes, header_bytes = (3, 6) if header.major == 2 else (4, 10)
    position = _extended_header_bytes(body, header)
    while position + header_bytes <= len(body):
        name = body[position : position + name_bytes]
        if not _FRAME_ID.fullmatch(name):
            return  # padding
        size = _frame_bytes(body, position, header.major)
        flags = body[position + 9] if header.major > 2 else 0
        start = position + header_bytes
        position = start + size
        plain = Frame(name.decode(), start, size, overrun=position > len(body))
        yield _with_flags(plain, flags, header)


def content(body: bytes, frame: Frame, most: int) -> bytes:
    """What a frame holds, at most ``most`` bytes of it, with its own unsynchronisation undone."""
    data = body[frame.start + frame.prefix : frame.start + min(frame.size, 2 * most + frame.prefix)]
    return (undo_unsynchronisation(data) if frame.unsynchronised else data)[:most]


def _with_flags(frame: Frame, flags: int, header: Id3Header) -> Frame:
    """Read the second flag byte (ID3v2.3, section 3.3.1; ID3v2.4, section 4.1.2)."""
    if header.major == 3:
        compressed, encrypted, grouped = (bool(flags & bit) for bit in (0x80, 0x40, 0x20))
        prefix = 4 * compressed + encrypted + grouped
        return frame._replace(compressed=compressed, encrypted=encrypted, prefix=prefix)
    if header.major == 4:
        grouped, compressed, encrypted, unsynchronised, counted = (
            bool(flags & bit) for bit in (0x40, 0x08, 0x04, 0x02, 0x01)
        )
        # Some programs set the tag's flag alone. Both flags mean the same, so it is undone once.
        unsynchronised = unsynchronised or bool(header.flags & _UNSYNCHRONISED)
        return frame._replace(
            compressed=compressed,
            encrypted=encrypted,
            unsynchronised=unsynchronised,
            prefix=grouped + encrypted + 4 * counted,
        )
    return frame


def _frame_bytes(body: bytes, position: int, major: int) -> int:
    if major == 2:
        return int.from_bytes(body[position + 3 : position + 6])
    raw = body[position + 4 : position + 8]
    plain = int.from_bytes(raw)
    if major == 3:
        return plain
    # Old versions of iTunes wrote plain sizes into v2.4 tags: take the reading after which a frame or the
    # end follows.
    if max(raw) > 0x7F or not _frame_may_begin(body, position + 10 + synchsafe(raw)):
        return plain if _frame_may_begin(body, position + 10 + plain) else synchsafe(raw)
    return synchsafe(raw)


def _frame_may_begin(body: bytes, position: int) -> bool:
    following = body[position : position + 4]
    return position == len(body) or following[:1] == b"\0" or bool(_FRAME_ID.fullmatch(following))


def _extended_header_bytes(body: bytes, header: Id3Header) -> int:
    if header.major == 2 or not header.flags & _EXTENDED:
        return 0
    # Some programs set the flag and write no extended header.
    if _FRAME_ID.fullmatch(body[:4]):
        return 0
    return synchsafe(body[:4]) if header.major == 4 else 4 + int.from_bytes(body[:4])


def synchsafe(raw: bytes) -> int:
    """The value of bytes that hold seven bits each."""
    value = 0
    for byte in raw:
        value = value << 7 | byte & 0x7F
    return value
