"""Writes tags into an MP4 file for which ffmpeg has no place: items with a name, as iTunes writes them.

ffmpeg is given a text of the same length as another tag. Then the items stand in its place, so that no size
and no offset in the file changes.

Source: ISO/IEC 14496-12 (boxes); the items are undocumented, and were read from files of iTunes.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from autonomy_core.media.ffmpeg import FfmpegFailed

PLACE: Final = "lyrics"
"""ffmpeg's name of the tag that keeps the place."""
_PLACE_KIND: Final = b"\xa9lyr"
_UTF8: Final = b"\0\0\0\1\0\0\0\0"
_OWNER: Final = b"com.apple.iTunes"


def named_items(texts: Mapping[str, str]) -> bytes:
    """The items for texts by their names, for example ``ISRC``."""
    return b"".join(
        _box(
            b"----",
            _box(b"mean", bytes(4) + _OWNER)
            + _box(b"name", bytes(4) + name.encode())
            + _box(b"data", _UTF8 + text.encode()),
        )
        for name, text in texts.items()
    )


def place_for(items: bytes) -> str:
    """The text of the tag `PLACE` that takes as many bytes as the items."""
    return "x" * (len(items) - len(_place("")))


def put_items(path: Path, items: bytes) -> None:
    """Write the items over the tag that keeps their place.

    Args:
        path: a file that ffmpeg has made with `place_for`.
        items: what `named_items` returned.

    Raises:
        FfmpegFailed: the place is not there.
    """
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        start = content.find(_place(place_for(items)))
        if start < 0:
            raise FfmpegFailed("it kept no place for tags")
        content[start : start + len(items)] = items


def _place(text: str) -> bytes:
    return _box(_PLACE_KIND, _box(b"data", _UTF8 + text.encode()))


def _box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content
