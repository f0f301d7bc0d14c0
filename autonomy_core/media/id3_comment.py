"""Makes the comment in an MP3 that ffmpeg has made one that players show.

ffmpeg writes it as a text with a name of the user's own, ``TXXX``. ID3v2 has a frame for comments, ``COMM``.
That frame is shorter, so the tag keeps its size.

Source: ID3v2.3 and ID3v2.4, sections 3.3, 4.2 and 4.10 to 4.11.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_HEADER_BYTES: Final = 10
_NAMED: Final = {
    0: b"comment\0",
    1: b"\xff\xfe" + "comment\0".encode("utf-16-le"),
    3: b"comment\0",
}
"""How a text with the name ``comment`` begins, by its encoding: ISO 8859-1, UTF-16 or UTF-8."""
_UNNAMED: Final = {0: b"\0", 1: b"\xff\xfe\0\0", 3: b"\0"}
"""How one without a name begins."""
_NO_LANGUAGE: Final = b"XXX"


def correct_comment(path: Path) -> None:
    """Turn the text that is named ``comment`` into a comment, if the tag has one.

    Args:
        path: a file that ffmpeg has made, with an ID3v2 tag at its beginning or without.
    """
    with path.open("r+b") as file:
        header = file.read(_HEADER_BYTES)
        if not header.startswith(b"ID3"):
            return
        bits = 7 if header[3] > 3 else 8  # of each byte of a frame's size
        tag = file.read(_number(header[6:10], 7))
        position = 0
        while tag[position : position + 1] > b"\0":
            end = position + _HEADER_BYTES + _number(tag[position + 4 : position + 8], bits)
            comment = _as_comment(tag[position:end], bits)
            if comment is not None:
                file.seek(_HEADER_BYTES + position)
                file.write((comment + tag[end:]).ljust(len(tag) - position, b"\0"))
                return
            position = end


def _as_comment(frame: bytes, bits: int) -> bytes | None:
    """The frame of the comment for one of a text that has its name; None for any other frame."""
    flags, encoding, text = frame[8:10], frame[10:11], frame[11:]
    named = _NAMED.get(encoding[0]) if encoding else None
    if not frame.startswith(b"TXXX") or named is None or not text.startswith(named):
        return None
    content = encoding + _NO_LANGUAGE + _UNNAMED[encoding[0]] + text[len(named) :]
    size = bytes(len(content) >> bits * place & (1 << bits) - 1 for place in (3, 2, 1, 0))
    return b"COMM" + size + flags + content


def _number(raw: bytes, bits: int) -> int:
    value = 0
    for byte in raw:
        value = value << bits | byte
    return value
