"""Receives the bytes of one request into a temporary file."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from autonomy_core.files.errors import StorageUnavailable, UploadTooLarge
from autonomy_core.files.upload import PIECE_BYTES, Upload
from autonomy_core.files.uploads.domain import Checksum
from autonomy_core.files.uploads.errors import ChecksumWrong

log = structlog.get_logger(__name__)


@contextmanager
def received_piece(
    stream: BinaryIO, directory: Path, *, max_bytes: int, checksum: Checksum | None
) -> Iterator[Upload]:
    """Receive a body up to its end, or up to where the connection ended. The file is removed after the block.

    Args:
        stream: the request's body.
        directory: where the temporary file is made.
        max_bytes: the most that is accepted.
        checksum: what the body must hash to. A body that was cut off never does, so nothing of it is kept.

    Raises:
        UploadTooLarge, ChecksumWrong
        StorageUnavailable: the file cannot be written.
    """
    path: Path | None = None
    try:
        try:
            # `incoming.remove_abandoned` removes files with this prefix after a crash.
            descriptor, name = tempfile.mkstemp(prefix="upload-", dir=directory)
            path = Path(name)
            piece = _receive(stream, descriptor, path, max_bytes, checksum)
        except OSError as error:
            log.exception("uploads.piece_not_written")
            raise StorageUnavailable("The part could not be written.") from error
        yield piece
    finally:
        if path is not None:
            path.unlink(missing_ok=True)


def _receive(
    stream: BinaryIO, descriptor: int, path: Path, max_bytes: int, checksum: Checksum | None
) -> Upload:
    content, size = hashlib.sha256(), 0
    expected: Any = None if checksum is None else hashlib.new(checksum.algorithm, usedforsecurity=False)
    with os.fdopen(descriptor, "wb") as target:
        while data := _read(stream):
            size += len(data)
            if size > max_bytes:
                raise UploadTooLarge(f"The upload ends after {max_bytes} more bytes.")
            content.update(data)
            if expected is not None:
                expected.update(data)
            target.write(data)
    if checksum is not None and expected.digest() != checksum.digest:
        raise ChecksumWrong("Send the part again.")
    return Upload(path, content.hexdigest(), size, path.name, {})


def _read(stream: BinaryIO) -> bytes:
    try:
        return stream.read(PIECE_BYTES)
    except OSError:
        # The connection has ended. What has arrived is kept.
        return b""
