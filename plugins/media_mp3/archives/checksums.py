"""Checksums of stored files: computed when a file is stored, kept by its key, and forgotten with it."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.plugin_api.files import StoredPart
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.archives.models import Checksum
from media_mp3.extras.models import Extra
from media_mp3.models import Track
from media_mp3.renditions.models import Rendition
from media_mp3.settings import EXTRAS, RENDITIONS, area_of

_PIECE_BYTES: Final = 1024 * 1024


def checksum_of(pieces: Iterable[bytes]) -> int:
    """The CRC-32 of what pieces consist of."""
    crc32 = 0
    for piece in pieces:
        crc32 = zlib.crc32(piece, crc32)
    return crc32


def checksum_of_file(path: Path) -> int:
    """The CRC-32 of a local file."""
    with path.open("rb") as file:
        return checksum_of(iter(lambda: file.read(_PIECE_BYTES), b""))


def keep_checksum(scope: TenantScope, key: str, crc32: int) -> None:
    """Record the checksum of a stored file. A known key has it already."""
    values = {"organisation_id": scope.organisation.id, "storage_key": key, "crc32": crc32}
    scope.session.execute(insert(Checksum).values(values).on_conflict_do_nothing())


def known_checksums(scope: TenantScope, keys: Collection[str]) -> dict[str, int]:
    """The checksums of stored files by their keys, as far as they are known."""
    if not keys:
        return {}
    statement = select(Checksum.storage_key, Checksum.crc32).where(Checksum.storage_key.in_(keys))
    return {row.storage_key: row.crc32 for row in scope.session.execute(statement)}


def files_without_checksum(scope: TenantScope, most: int, after: str = "") -> list[StoredPart]:
    """Files of archives whose checksum is not known, because they were stored before there were any, by key.

    Args:
        most: at most so many.
        after: the key that the files come after.
    """
    known = select(Checksum.storage_key)
    masters = (
        select(Track.format, Track.storage_key, Track.size)
        .where(Track.storage_key > after, Track.storage_key.not_in(known))
        .order_by(Track.storage_key)
    )
    found = [
        StoredPart(area_of(media_format), key, size)
        for media_format, key, size in scope.session.execute(masters.limit(most))
    ]
    for area, table in ((RENDITIONS, Rendition), (EXTRAS, Extra)):
        others = (
            select(table.storage_key, table.size)
            .where(table.storage_key > after, table.storage_key.not_in(known))
            .order_by(table.storage_key)
        )
        found += [StoredPart(area, key or "", size or 0)
                  for key, size in scope.session.execute(others.limit(most))]  # fmt: skip
    return sorted(found, key=lambda part: part.key)[:most]


def forget_checksums(scope: TenantScope) -> None:
    """Delete the checksums of files that no track, rendition or extra refers to any more."""
    used = (exists().where(table.storage_key == Checksum.storage_key) for table in (Track, Rendition, Extra))
    scope.session.execute(delete(Checksum).where(*(~each for each in used)))
