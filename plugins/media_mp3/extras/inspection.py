"""Looks into an uploaded file. Runs in a limited child process, so it imports little."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from media_mp3.extras.domain import HEAD_BYTES, TAIL_BYTES, format_of, is_whole


def examine(path: Path) -> dict[str, str | None]:
    """Find out the format of a file.

    Returns:
        ``format``: a key of `domain.FORMATS`, or None; ``finding``: why the file is refused, a key of
        `domain.FINDINGS`, or None.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - TAIL_BYTES, 0))
        tail = file.read()
    if not size:
        return {"format": None, "finding": "empty_file"}
    found = format_of(head)
    if found is None:
        return {"format": None, "finding": "foreign_format"}
    if not is_whole(found, head, tail, size):
        return {"format": found.name, "finding": "truncated"}
    unreadable = found.name == "zip" and not _has_files(path)
    return {"format": found.name, "finding": "unreadable" if unreadable else None}


def _has_files(path: Path) -> bool:
    """Whether the directory of a ZIP can be read, and names a file. No file in it is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(not each.is_dir() for each in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, UnicodeDecodeError):
        return False
