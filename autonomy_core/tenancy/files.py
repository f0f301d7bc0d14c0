"""Reading small files, and noticing that they have changed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

Signature = tuple[int, int, int, int]

MAXIMUM_BYTES = 1024 * 1024


def signature(path: Path) -> Signature | None:
    """Return what changes when the file at `path` does, or None when there is none to look at."""
    try:
        return signature_of(path.stat())
    except (OSError, ValueError):  # a path with a NUL is the latter
        return None


def signature_of(status: os.stat_result) -> Signature:
    """Return what changes when the file does. The change time notices a chmod, which leaves the rest alone."""
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def read_small_file(path: Path) -> bytes:
    """Return the bytes of a regular file of at most `MAXIMUM_BYTES`.

    Raises OSError for anything else: a named pipe would block the caller for ever.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("not a regular file")
    with path.open("rb") as file:
        content = file.read(MAXIMUM_BYTES + 1)
    if len(content) > MAXIMUM_BYTES:
        raise OSError(f"larger than {MAXIMUM_BYTES} bytes")
    return content
