"""The job `media_mp3.checksums`: computes the checksums of files that were stored before there were any."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import structlog

from autonomy_core.plugin_api.files import StoredPart, storage_of
from autonomy_core.plugin_api.jobs import defer_again
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.archives.checksums import checksum_of, files_without_checksum, keep_checksum
from media_mp3.settings import PLUGIN

log = structlog.get_logger(__name__)

CHECKSUMS_JOB: Final = f"{PLUGIN}.checksums"
EVERY_S: Final = 300
BUDGET_S: Final = 60.0
"""After so many seconds the job reads no further file, and lets other jobs run."""
PAUSE_S: Final = 5
MOST_FILES: Final = 1000
"""In a page."""
MOST_FAILURES: Final = 3
"""After so many files in a row that cannot be read, the store is taken to be down."""


def compute_checksums(scope: TenantScope) -> None:
    """Read the files of one organisation whose checksums are not known.

    Args:
        scope: its transaction begins at the end. So no connection is held while files are read.
    """
    deadline = time.monotonic() + BUDGET_S
    found = failures = 0
    for part in _unknown(scope):
        if time.monotonic() > deadline:
            if found:
                defer_again(scope, CHECKSUMS_JOB, in_seconds=PAUSE_S)
            return
        try:
            crc32 = checksum_of(storage_of(scope, part.area).open_range(part.key, 0, part.size - 1))
        except FileNotFoundError:
            log.error("media_mp3.file_missing", key=part.key)  # noqa: TRY400
        except OSError:
            log.exception("media_mp3.checksums_interrupted", key=part.key)
            failures += 1
            if failures == MOST_FAILURES:
                return  # the next ones would fail as well; the periodic job tries them again
        else:
            _keep(scope, part, crc32)
            found, failures = found + 1, 0


def _unknown(scope: TenantScope) -> Iterator[StoredPart]:
    """The files, in pages, so that those that cannot be read do not hide the others."""
    after: str | None = ""
    while after is not None:
        with scope.begin() as own:
            page = files_without_checksum(own, MOST_FILES, after)
        yield from page
        after = page[-1].key if page else None


def _keep(scope: TenantScope, part: StoredPart, crc32: int) -> None:
    with scope.begin() as own:
        keep_checksum(own, part.key, crc32)
