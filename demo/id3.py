"""Writes ID3v2.3 and ID3v2.4 tags (id3.org) and a small PNG cover, as far as the demonstration needs them."""

from __future__ import annotations

import struct
import zlib

COVER_SIZE = 96
RINGS = 5
"""The number of shades in a cover."""


class Id3Tag:
    """An ID3v2 tag under construction.

    Args:
        version: 3 for ID3v2.3, 4 for ID3v2.4.
    """

    def __init__(self, version: int = 3) -> None:
        self.version = version
        self._frames: list[bytes] = []

    def add_text(self, name: str, text: str) -> None:
        """Add a text frame, for example ``TIT2``, the title."""
        # v2.3 supports Latin-1 and UTF-16 only.
        content = b"\x03" + text.encode() if self.version == 4 else b"\x01" + text.encode("utf-16")
        self.add_frame(name, content)

    def add_picture(self, png: bytes) -> None:
        """Add the front cover."""
        self.add_frame("APIC", b"\x00image/png\x00\x03\x00" + png)

    def add_frame(self, name: str, content: bytes, *, flags: int = 0) -> None:
        """Add any frame; ``flags`` are its two flag bytes."""
        self._frames.append(name.encode() + self._size(len(content)) + struct.pack(">H", flags) + content)

    def to_bytes(self, *, padding: int = 0, flags: int = 0) -> bytes:
        """Return the complete tag; ``flags`` is the tag's flag byte."""
        body = b"".join(self._frames) + bytes(padding)
        return b"ID3" + bytes((self.version, 0, flags)) + synchsafe(len(body)) + body

    def _size(self, length: int) -> bytes:
        return synchsafe(length) if self.version == 4 else struct.pack(">I", length)


def synchsafe(value: int) -> bytes:
    """Encode four bytes of seven bits each, so that no byte looks like the start of a frame."""
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))


def cover_png(colour: tuple[int, int, int], size: int = COVER_SIZE) -> bytes:
    """Return a square cover with concentric rings in shades of one colour."""
    shades = [bytes(min(255, channel + 18 * ring) for channel in colour) for ring in range(RINGS)]
    squares = [(2 * place - size) ** 2 for place in range(size)]
    width = size * size // 8
    rows = b"".join(
        b"\x00" + b"".join([shades[(right + down) // width % RINGS] for right in squares]) for down in squares
    )
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows, 9))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
