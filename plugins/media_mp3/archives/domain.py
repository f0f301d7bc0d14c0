"""The ZIP format, as far as stored members need it, and the formats in which a release may be had. Pure.

Nothing is compressed, since audio does not become smaller. All sizes and checksums are known beforehand, so
that each byte of an archive is known before the first one is sent.

Source: APPNOTE.TXT - .ZIP File Format Specification, version 6.3.10, sections 4.3 to 4.5 and appendix D.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

Content = TypeVar("Content")

MEDIA_TYPE: Final = "application/zip"
ORIGINAL: Final = "original"
"""The name of the archive of masters that are not all of one format."""
MP3: Final = "mp3"

_FULL_32: Final = 0xFFFFFFFF
_FULL_16: Final = 0xFFFF
"""A field with all bits set says that the value is in the ZIP64 fields."""
_PLAIN: Final = 20
_ZIP64: Final = 45
"""The version of the format that a reader needs, times ten."""
_MADE_BY: Final = 3 << 8 | _ZIP64
"""Unix, whose attributes of files follow."""
_REGULAR_FILE: Final = 0o100644 << 16
_UTF8: Final = 1 << 11
_STORED: Final = 0
_FIRST_YEAR: Final = 1980
_LAST_YEAR: Final = 2107


@dataclass(frozen=True, slots=True)
class Member(Generic[Content]):
    """A file in an archive.

    Attributes:
        name: with its directory, separated by ``/``.
        size: in bytes.
        crc32: of the content, as `zlib.crc32` computes it.
        changed_at: aware.
        content: the bytes, or what the caller finds them by.
    """

    name: str
    size: int
    crc32: int
    changed_at: datetime
    content: Content


def zip_parts(members: Sequence[Member[Content]]) -> Iterator[Content | bytes]:
    """Yield what an archive consists of: each member's header and content, and the directory at the end."""
    offset, entries = 0, []
    for member in members:
        entries.append(_entry(member, offset))
        header = _header(member)
        yield header
        yield member.content
        offset += len(header) + member.size
    directory = b"".join(entries)
    yield directory + _end(len(entries), len(directory), offset)


def _header(member: Member[Content]) -> bytes:
    """The header before a member (4.3.7). With ZIP64 it has both sizes (4.5.3)."""
    is_large = member.size >= _FULL_32
    extra = struct.pack("<HHQQ", 1, 16, member.size, member.size) if is_large else b""
    size, name = min(member.size, _FULL_32), member.name.encode()
    common = _common(member, is_zip64=is_large)
    sizes = struct.pack("<IIIHH", member.crc32, size, size, len(name), len(extra))
    return b"PK\3\4" + common + sizes + name + extra


def _entry(member: Member[Content], offset: int) -> bytes:
    """The entry of a member in the directory (4.3.12). With ZIP64 it has the values that need it (4.5.3)."""
    large = [member.size, member.size] if member.size >= _FULL_32 else []
    large += [offset] if offset >= _FULL_32 else []
    extra = struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    size, name = min(member.size, _FULL_32), member.name.encode()
    common = struct.pack("<H", _MADE_BY) + _common(member, is_zip64=bool(large))
    sizes = struct.pack("<IIIHH", member.crc32, size, size, len(name), len(extra))
    place = struct.pack("<HHHII", 0, 0, 0, _REGULAR_FILE, min(offset, _FULL_32))
    return b"PK\1\2" + common + sizes + place + name + extra


def _common(member: Member[Content], *, is_zip64: bool) -> bytes:
    needed = _ZIP64 if is_zip64 else _PLAIN
    return struct.pack("<HHHHH", needed, _UTF8, _STORED, *_moment(member.changed_at))


def _moment(moment: datetime) -> tuple[int, int]:
    """Time and date as MS-DOS writes them (4.4.6), in UTC, since the format knows no time zone."""
    utc = moment.astimezone(UTC)
    if not _FIRST_YEAR <= utc.year <= _LAST_YEAR:
        return 0, 1 << 5 | 1
    date = (utc.year - _FIRST_YEAR) << 9 | utc.month << 5 | utc.day
    return utc.hour << 11 | utc.minute << 5 | utc.second // 2, date


def _end(count: int, size: int, offset: int) -> bytes:
    """The end of the directory (4.3.16), after those of ZIP64 if one of its fields is too small (4.3.14-15).

    Args:
        count: of the members.
        size: of the directory in bytes.
        offset: of the directory.
    """
    zip64 = b""
    if count >= _FULL_16 or size >= _FULL_32 or offset >= _FULL_32:
        record = struct.pack("<QHHIIQQQQ", 44, _MADE_BY, _ZIP64, 0, 0, count, count, size, offset)
        zip64 = b"PK\6\6" + record + b"PK\6\7" + struct.pack("<IQI", 0, offset + size, 1)
    shown = min(count, _FULL_16), min(count, _FULL_16), min(size, _FULL_32), min(offset, _FULL_32)
    return zip64 + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, *shown, 0)


@dataclass(frozen=True, slots=True)
class Offer(Generic[Content]):
    """A file in which a track may be had.

    Attributes:
        name: of the format: ``flac``.
        title: of the format, for people.
        lossless: whether it is.
        extension: of the file's name, with its dot.
        content: what the caller finds the file by.
        is_master: whether it is what staff uploaded, because no format is ready.
    """

    name: str
    title: str
    lossless: bool
    extension: str
    content: Content
    is_master: bool = False


@dataclass(frozen=True, slots=True)
class Choice(Generic[Content]):
    """A format in which a whole release may be had.

    Attributes:
        name: of the format, or `ORIGINAL`.
        title: for people.
        lossless: whether each track is.
        offers: the file of each track, in their order.
    """

    name: str
    title: str
    lossless: bool
    offers: Sequence[Offer[Content]]


def choices(tracks: Sequence[Sequence[Offer[Content]]]) -> list[Choice[Content]]:
    """The formats in which all tracks of a release may be had.

    A track whose master is MP3 is never encoded again, so it is MP3 in each of them.

    Args:
        tracks: what each track may be had in, the first one by default.
    """
    if not tracks or not all(tracks):
        return []
    names = dict.fromkeys(offer.name for offers in tracks for offer in offers if not _is_mp3(offers))
    found = [_choice(name, tracks) for name in names or (MP3,)]
    complete = [choice for choice in found if choice is not None]
    if not complete and all(offers[0].is_master for offers in tracks):
        firsts = [offers[0] for offers in tracks]
        complete = [Choice(ORIGINAL, "Original files", all(each.lossless for each in firsts), firsts)]
    return complete


def _is_mp3(offers: Sequence[Offer[Content]]) -> bool:
    return {offer.name for offer in offers} == {MP3}


def _choice(name: str, tracks: Sequence[Sequence[Offer[Content]]]) -> Choice[Content] | None:
    found = []
    for offers in tracks:
        wanted = MP3 if _is_mp3(offers) else name
        offer = next((each for each in offers if each.name == wanted), None)
        if offer is None:
            return None
        found.append(offer)
    title = next(offer.title for offer in found if offer.name == name)
    return Choice(name, title, all(offer.lossless for offer in found), found)
