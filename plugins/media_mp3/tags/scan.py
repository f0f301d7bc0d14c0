"""Find the audio between the tags, and refuse tags with a wrong size or hidden content.

Formats: id3.org (v1, v2.2, v2.3, v2.4, "Lyrics3" 1.00 and 2.00), Monkey's Audio APEv2, and the "TAG+" that
some programs put before an ID3v1 tag.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Literal, NamedTuple

from media_mp3.domain import Finding, finding
from media_mp3.tags import id3v2
from media_mp3.tags.id3v2 import Frame, Id3Header

MAX_ID3_BYTES = 16 * 1024 * 1024
MAX_ID3_FRAMES = 4096
MAX_APE_BYTES = MAX_ID3_BYTES
APE_EDGE_BYTES = 32
ID3V1_BYTES = 128

_TAG_PLUS_BYTES = 227
_LYRICS3_FOOTER_BYTES = 15
_LYRICS3_V1_BYTES = len(b"LYRICSBEGIN") + 5100 + len(b"LYRICSEND")
_MOST_TAGS = 8
_APE_MAGIC = b"APETAGEX"


class Tag(NamedTuple):
    """Where a tag lies that has texts, in bytes from the start of the file."""

    kind: Literal["id3v2", "ape", "id3v1"]
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class TagScan:
    """Where the audio lies, in bytes from the start of the file, and what is wrong with the tags around it.

    Attributes:
        tags: those that may be read for their texts.
        complete: False when a tag lies about its size, so that the bounds are not known.
    """

    audio_start: int
    audio_end: int
    findings: tuple[Finding, ...]
    tags: tuple[Tag, ...] = ()
    complete: bool = True


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
    scan = _Scan(file, size)
    try:
        scan.skip_leading_tags()
        scan.skip_trailing_tags()
    except _Unbounded as error:
        return TagScan(scan.start, scan.end, (*scan.findings, error.reason), complete=False)
    return TagScan(scan.start, scan.end, tuple(scan.findings), tuple(scan.tags))


class _Scan:
    """Moves the bounds of the audio inwards, over one tag after the other."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.start, self.end = 0, size
        self.findings: list[Finding] = []
        self.tags: list[Tag] = []

    def skip_leading_tags(self) -> None:
        id3_bytes = 0
        for _ in range(_MOST_TAGS):
            head = self._read(self.start, APE_EDGE_BYTES)
            header = _id3_header(head, b"ID3", self.start)
            if header is not None:
                length = header.total_bytes
                id3_bytes += length
                self._take_id3(self.start, header, before=id3_bytes - length)
            elif head.startswith(_APE_MAGIC):
                length = self._ape_bytes(head, at_start=True)
                self._add(finding("ape_before_audio", offset=self.start, bytes=length))
                self.tags.append(Tag("ape", self.start, length))
            else:
                return
            self.start += length

    def skip_trailing_tags(self) -> None:
        for _ in range(_MOST_TAGS):
            length = self._trailing_tag_bytes()
            if length == 0:
                return
            self.end -= length

    def _trailing_tag_bytes(self) -> int:
        """The length of the tag that ends where the audio may end, 0 when there is none."""
        available = self.end - self.start
        tail = self._read(self.end - min(available, _LYRICS3_V1_BYTES), min(available, _LYRICS3_V1_BYTES))
        if tail[-ID3V1_BYTES:].startswith(b"TAG") and len(tail) >= ID3V1_BYTES:
            self.tags.append(Tag("id3v1", self.end - ID3V1_BYTES, ID3V1_BYTES))
            return ID3V1_BYTES
        if tail[-_TAG_PLUS_BYTES:].startswith(b"TAG+") and len(tail) >= _TAG_PLUS_BYTES:
            return _TAG_PLUS_BYTES
        if tail[-APE_EDGE_BYTES:].startswith(_APE_MAGIC):
            length = self._ape_bytes(tail[-APE_EDGE_BYTES:], at_start=False)
            self.tags.append(Tag("ape", self.end - length, length))
            return length
        return _lyrics3_bytes(tail, available) or self._trailing_id3_bytes(tail)

    def _trailing_id3_bytes(self, tail: bytes) -> int:
        footer = _id3_header(tail[-id3v2.HEADER_BYTES :], b"3DI", self.end - id3v2.HEADER_BYTES)
        if footer is None:
            return 0
        self._take_id3(self.end - footer.total_bytes, footer)
        return footer.total_bytes

    def _take_id3(self, start: int, header: Id3Header, *, before: int = 0) -> None:
        """Check a tag and record its position; ``before`` counts the bytes of tags before it."""
        available = self.end - self.start
        if header.total_bytes > available:
            raise _Unbounded(finding("id3_size_beyond_file", declared=header.total_bytes, file=available))
        if before + header.body_bytes > MAX_ID3_BYTES:
            self._add(finding("id3_too_large", size=before + header.body_bytes, most=MAX_ID3_BYTES))
        elif header.compressed:
            self._add(finding("id3_compressed_frame", frame="whole tag"))
        else:
            self._check_frames(start, header)
            self.tags.append(Tag("id3v2", start, header.total_bytes))

    def _check_frames(self, start: int, header: Id3Header) -> None:
        body = id3v2.read_body(self._file, start, header)
        frames = list(islice(id3v2.frames(body, header), MAX_ID3_FRAMES + 1))
        if len(frames) > MAX_ID3_FRAMES:
            self._add(finding("id3_too_many_frames", most=MAX_ID3_FRAMES))
            return
        for frame in frames:
            for found in _check_frame(frame):
                self._add(found)

    def _ape_bytes(self, edge: bytes, *, at_start: bool) -> int:
        """The length of an APE tag; its header and its footer declare the bytes without the header."""
        has_header = at_start or int.from_bytes(edge[20:24], "little") >> 31
        declared = int.from_bytes(edge[12:16], "little") + (APE_EDGE_BYTES if has_header else 0)
        available = self.end - self.start
        if not APE_EDGE_BYTES <= declared <= available:
            raise _Unbounded(finding("ape_size_beyond_file", declared=declared, file=available))
        if declared > MAX_APE_BYTES:
            self._add(finding("ape_too_large", size=declared, most=MAX_APE_BYTES))
        return declared

    def _add(self, found: Finding) -> None:
        """Note a finding. One of a code is enough, however many tags and frames have the fault."""
        if found.code not in {known.code for known in self.findings}:
            self.findings.append(found)

    def _read(self, position: int, length: int) -> bytes:
        self._file.seek(position)
        return self._file.read(length)


def _lyrics3_bytes(tail: bytes, available: int) -> int:
    """Return the length of a Lyrics3 tag at the end, or 0. Version 1.00 does not store its length."""
    if tail.endswith(b"LYRICS200") and tail[-_LYRICS3_FOOTER_BYTES:-9].isdigit():
        declared = int(tail[-_LYRICS3_FOOTER_BYTES:-9]) + _LYRICS3_FOOTER_BYTES
        return declared if declared <= available else 0
    if tail.endswith(b"LYRICSEND"):
        begin = tail.rfind(b"LYRICSBEGIN")
        return len(tail) - begin if begin >= 0 else 0
    return 0


def _id3_header(data: bytes, magic: bytes, offset: int) -> Id3Header | None:
    try:
        return id3v2.parse_header(data, magic)
    except id3v2.Id3Malformed as error:
        raise _Unbounded(finding("id3_malformed", offset=offset)) from error


def _check_frame(frame: Frame) -> Iterator[Finding]:
    if frame.overrun:
        yield finding("id3_frame_beyond_tag", frame=frame.name, declared=frame.size)
    elif frame.compressed:
        yield finding("id3_compressed_frame", frame=frame.name)
