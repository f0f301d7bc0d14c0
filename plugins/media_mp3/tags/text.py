"""Read title, artist and other texts from the tags of a file, in time that does not depend on their content.

Each field is read once, from the first tag that has it: ID3v2, then APE, then ID3v1, which cuts texts to
thirty characters. A field with several values has its first value, because a text ends at its first NUL. A
text longer than `MAX_TEXT_BYTES` is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from autonomy_core.plugin_api.texts import cleaned
from media_mp3.domain import Tags
from media_mp3.tags import id3v2
from media_mp3.tags.genres import genre_of, genre_of_text
from media_mp3.tags.scan import APE_EDGE_BYTES, MAX_ID3_FRAMES, Tag

MAX_TEXT_BYTES = 64 * 1024
LONGEST_TEXT = 200
"""Characters that are kept of a text."""

_READ_BYTES = 4096
_ORDER = ("id3v2", "ape", "id3v1")
_FRAMES = {
    "TIT2": "title", "TT2": "title",
    "TPE1": "artist", "TP1": "artist",
    "TPE2": "album_artist", "TP2": "album_artist",
    "TALB": "album", "TAL": "album",
    "TCON": "genre", "TCO": "genre",
    "TDRC": "year", "TYER": "year", "TYE": "year",
    "TRCK": "track", "TRK": "track",
    "TPOS": "disc", "TPA": "disc",
}  # fmt: skip
_APE_KEYS = {
    "title": "title",
    "artist": "artist",
    "album artist": "album_artist",
    "albumartist": "album_artist",
    "album": "album",
    "genre": "genre",
    "year": "year",
    "track": "track",
    "disc": "disc",
}
_ENCODINGS = {0: "latin-1", 2: "utf-16-be", 3: "utf-8"}
_YEAR = re.compile(r"\d{4}(?!\d)", re.ASCII)
_NUMBER = re.compile(r"\s*(\d{1,4})(?!\d)", re.ASCII)


class TextReader:
    """Collects the fields of one file.

    Attributes:
        skipped: the names of frames and items that would have been read and are too long.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._fields: dict[str, str] = {}
        self.skipped: list[str] = []

    def read(self, tags: tuple[Tag, ...]) -> Tags:
        """The fields of all tags."""
        texts = {"id3v2": self._id3v2, "ape": self._ape, "id3v1": self._id3v1}
        for tag in sorted(tags, key=lambda tag: _ORDER.index(tag.kind)):
            for field, text in texts[tag.kind](tag):
                if clean(text):
                    self._fields.setdefault(field, text)
        return self._tags()

    def _tags(self) -> Tags:
        plain = {name: clean(self._fields.get(name)) for name in ("title", "artist", "album", "album_artist")}
        return Tags(
            **plain,
            genre=clean(genre_of_text(self._fields.get("genre", ""))),
            year=year_of(self._fields.get("year", "")),
            track=number_of(self._fields.get("track", "")),
            disc=number_of(self._fields.get("disc", "")),
        )

    def _id3v2(self, tag: Tag) -> Iterator[tuple[str, str]]:
        self._file.seek(tag.start)
        head = self._file.read(id3v2.HEADER_BYTES)
        header = id3v2.parse_header(head)
        if header is None:
            return
        body = id3v2.read_body(self._file, tag.start, header)
        for frame in islice(id3v2.frames(body, header), MAX_ID3_FRAMES):
            field = _FRAMES.get(frame.name)
            if field is None or field in self._fields or frame.compressed or frame.encrypted:
                continue
            if frame.size > MAX_TEXT_BYTES:
                self.skipped.append(frame.name)
                continue
            yield field, _id3_text(id3v2.content(body, frame, _READ_BYTES))

    def _ape(self, tag: Tag) -> Iterator[tuple[str, str]]:
        """Read an APEv2 item: size, flags, a key that ends with NUL, a value in UTF-8.

        Source: wiki.hydrogenaud.io, "APEv2 specification".
        """
        self._file.seek(tag.start)
        data = self._file.read(tag.length - APE_EDGE_BYTES)
        position = APE_EDGE_BYTES if data.startswith(b"APETAGEX") else 0
        for _ in range(MAX_ID3_FRAMES):
            key_end = data.find(b"\0", position + 8, position + 8 + 256)
            if key_end < 0:
                return
            size = int.from_bytes(data[position : position + 4], "little")
            is_text = not data[position + 4] & 0x06
            key = data[position + 8 : key_end].decode("latin-1").lower()
            position = key_end + 1 + size
            if position > len(data) or key not in _APE_KEYS or not is_text:
                continue
            if size > MAX_TEXT_BYTES:
                self.skipped.append(key)
                continue
            value = data[key_end + 1 : position][:_READ_BYTES]
            yield _APE_KEYS[key], _until_nul(value.decode("utf-8", "replace"))

    def _id3v1(self, tag: Tag) -> Iterator[tuple[str, str]]:
        self._file.seek(tag.start)
        data = self._file.read(tag.length)
        for field, start, end in (("title", 3, 33), ("artist", 33, 63), ("album", 63, 93), ("year", 93, 97)):
            yield field, _until_nul(data[start:end].decode("latin-1"))
        if data[125] == 0 and data[126]:
            yield "track", str(data[126])
        yield "genre", genre_of(data[127]) or ""


def clean(text: str | None) -> str | None:
    """Remove control characters and bidirectional marks from a text; None if no visible character is left."""
    return cleaned(text or "", LONGEST_TEXT)


def _id3_text(data: bytes) -> str:
    """Return the first text of a frame, after its encoding byte (ID3v2.4, section 4)."""
    encoding, raw = data[:1], data[1:]
    if encoding == b"\x01":
        big = raw.startswith(b"\xfe\xff")
        marked = big or raw.startswith(b"\xff\xfe")
        return _until_nul(raw[2 if marked else 0 :].decode("utf-16-be" if big else "utf-16-le", "replace"))
    return _until_nul(raw.decode(_ENCODINGS.get(data[0] if data else 0, "latin-1"), "replace"))


def _until_nul(text: str) -> str:
    return text.partition("\0")[0]


def year_of(text: str) -> int | None:
    """The year at the start of a date; None if there is none."""
    found = _YEAR.match(text.strip())
    return int(found[0]) if found and int(found[0]) else None


def number_of(text: str) -> int | None:
    """The number of a track or a disc, which may be followed by how many there are: ``3/12``."""
    found = _NUMBER.match(text)
    return int(found[1]) if found and int(found[1]) else None
