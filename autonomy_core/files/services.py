"""Store a received file, and open a stored one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

import structlog
from sqlalchemy import func, select

from autonomy_core.files.area import FileArea
from autonomy_core.files.errors import StorageUnavailable
from autonomy_core.files.places import own_store
from autonomy_core.files.room import use_room
from autonomy_core.files.storage import BadKey, Storage, checked_key, storage_key
from autonomy_core.files.upload import Upload
from autonomy_core.kernel.scope import TenantScope

log = structlog.get_logger(__name__)

WrapFile = Callable[[BinaryIO], Iterable[bytes]]
"""``wsgi.file_wrapper`` of PEP 3333: makes of an open file a body that the web server sends by itself."""


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A stored file, as a row of the plugin describes it.

    Attributes:
        key: in the storage.
        size: in bytes.
        sha256: of the content, 64 hexadecimal digits; the entity tag.
        media_type: the Content-Type: ``audio/mpeg``.
        stored_at: when the row got this file, aware; the Last-Modified. None if that is not known.
    """

    key: str
    size: int
    sha256: str
    media_type: str
    stored_at: datetime | None = None


def storage_of(scope: TenantScope, area: FileArea) -> Storage:
    """The storage of an area of files, for the scope's organisation."""
    return area.storage(scope.server, own_store(scope.organisation))


def key_of(scope: TenantScope, area: FileArea, sha256: str) -> str:
    """The key that a file of the organisation has.

    Args:
        sha256: of its content, 64 lower-case hexadecimal digits.
    """
    return storage_key(scope.organisation.id, sha256, area.suffix)


def store_upload(scope: TenantScope, area: FileArea, upload: Upload) -> str:
    """Store a received file; needs no transaction.

    If no row ever refers to the file, the next upload of the same bytes finds it, or `delete_unreferenced`
    removes it.

    Returns:
        Its key.

    Raises:
        StorageUnavailable: it cannot be stored, for example because the disk is full.
    """
    key = key_of(scope, area, upload.sha256)
    try:
        storage_of(scope, area).put_file(key, upload.path)
    except OSError as error:
        log.exception(area.event("file_not_stored"), key=key)
        raise StorageUnavailable("The file could not be stored.") from error
    return key


def keep_upload(scope: TenantScope, area: FileArea, upload: Upload) -> None:
    """Make sure that a file exists when the transaction that wrote its row is committed.

    Call it in that transaction, after the row is written. If the file arrived as an upload, that ends in
    the transaction too.

    `store_upload` writes nothing if the file exists, and `delete_unreferenced` may have removed it since.
    This takes the lock that `delete_unreferenced` takes, and then stores the file again if it is gone.

    Raises:
        StorageFull: the organisation would store more than its limit.
        StorageUnavailable: as `store_upload`.
    """
    use_room(scope, upload)
    lock_file(scope, area, key_of(scope, area, upload.sha256))
    store_upload(scope, area, upload)


def lock_file(scope: TenantScope, area: FileArea, key: str) -> None:
    """Let one transaction at a time decide about a stored file."""
    lock = func.pg_advisory_xact_lock(func.hashtextextended(f"{area.plugin}.file {key}", 0))
    scope.session.execute(select(lock))


def require_own(scope: TenantScope, key: str) -> None:
    """Make sure that a file belongs to the scope's organisation, whatever the row of the plugin says.

    Raises:
        BadKey: it belongs to another one.
    """
    if checked_key(key).partition("/")[0] != scope.organisation.id:
        raise BadKey("the key of a file is one of another organisation")


def open_file(
    scope: TenantScope, area: FileArea, key: str, start: int, end_inclusive: int, *, wrap: WrapFile | None
) -> Iterable[bytes]:
    """Open a part of a stored file. The file is found here, and read while it is sent.

    Args:
        wrap: None if the web server has no ``wsgi.file_wrapper``.

    Raises:
        StorageUnavailable: the file is missing, shorter than ``end_inclusive``, or cannot be read.
    """
    require_own(scope, key)
    with unavailable_if_unreadable(area, key):
        storage = storage_of(scope, area)
        file = storage.open_local(key, start, end_inclusive) if wrap else None
        if wrap and file:
            return wrap(file)
        return _read(area, key, storage.open_range(key, start, end_inclusive))


@contextmanager
def unavailable_if_unreadable(area: FileArea, key: str) -> Iterator[None]:
    """Log the error of a storage, and answer with `StorageUnavailable`."""
    try:
        yield
    except FileNotFoundError as error:
        log.error(area.event("file_missing"), key=key)  # noqa: TRY400
        raise StorageUnavailable("The file is missing.") from error
    except OSError as error:
        log.exception(area.event("file_unreadable"), key=key)
        raise StorageUnavailable("The file cannot be read.") from error


def _read(area: FileArea, key: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Read the chunks of a file.

    Raises:
        StorageUnavailable: the storage stopped. `edge` answers with it, since it has sent nothing yet.
    """
    with unavailable_if_unreadable(area, key):
        yield from chunks
