"""The header of a dump in PostgreSQL's custom format."""

from __future__ import annotations

import io
import re
from pathlib import Path

LONGEST = 64 * 1024
WITH_NAME_OF_COMPRESSION = (1, 15)
"""From this format version on, one byte names the compression; before it, an integer gives the level."""


def pg_dump_version(dump: Path) -> int:
    """Return the major version of the pg_dump that wrote a dump.

    Raises:
        ValueError: the file is not a dump of pg_dump in the custom format.

    Source: WriteHead in PostgreSQL's src/bin/pg_dump/pg_backup_archiver.c
    """
    try:
        with dump.open("rb") as file:
            head = io.BytesIO(file.read(LONGEST))
    except OSError as error:
        raise ValueError(f"{dump.name} cannot be read: {error.strerror}") from None
    magic = head.read(5)
    major, minor, _, size, _, _ = head.read(6).ljust(6, b"\0")
    head.read(1 if (major, minor) >= WITH_NAME_OF_COMPRESSION else 1 + size)
    # Second, minute, hour, day, month, year, and the flag for daylight saving time.
    head.read(7 * (1 + size))
    _name, _server, version = (_text(head, size) for _ in range(3))
    found = re.match(rb"\d+", version)
    if magic != b"PGDMP" or found is None:
        raise ValueError(f"{dump.name} is not a dump of pg_dump")
    return int(found[0])


def _text(head: io.BytesIO, size: int) -> bytes:
    is_negative, length = head.read(1) != b"\0", int.from_bytes(head.read(size), "little")
    return b"" if is_negative else head.read(length)
