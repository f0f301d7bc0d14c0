"""The directories in which files arrive, before they are stored."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import structlog

from autonomy_core.files.area import FileArea
from autonomy_core.files.errors import StorageUnavailable
from autonomy_core.kernel.scope import TenantScope

log = structlog.get_logger(__name__)

_ABANDONED_S: Final = 24 * 3600


def incoming_directory(scope: TenantScope, area: FileArea) -> Path:
    """Where the files of an area arrive. The leftovers of killed processes are removed.

    Raises:
        StorageUnavailable: it cannot be made or read.
    """
    try:
        directory = area.incoming(scope.server)
        remove_abandoned(directory)
    except OSError as error:
        raise not_written(area, error) from error
    return directory


def not_written(area: FileArea, error: OSError) -> StorageUnavailable:
    """Log that a received file could not be written, and return the answer."""
    log.error(area.event("upload_not_written"), exc_info=error)
    return StorageUnavailable("The file could not be written.")


def remove_abandoned(directory: Path) -> None:
    """Remove the received files of processes that were killed in the middle of an upload, a day later."""
    oldest = time.time() - _ABANDONED_S
    for path in directory.glob("upload-*"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:
            continue
