"""A body is received up to where it ends, and no temporary file is left."""

from __future__ import annotations

import errno
import hashlib
import io
from pathlib import Path

import pytest

from autonomy_core.files.errors import StorageUnavailable, UploadTooLarge
from autonomy_core.files.uploads.domain import Checksum
from autonomy_core.files.uploads.errors import ChecksumWrong
from autonomy_core.files.uploads.pieces import received_piece


class CutOff(io.RawIOBase):
    """A body whose connection ends in the middle."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def read(self, size: int = -1) -> bytes:
        if not self._pieces:
            raise ConnectionResetError(errno.ECONNRESET, "reset")
        return self._pieces.pop(0)


def sha1_of(content: bytes) -> Checksum:
    return Checksum("sha1", hashlib.sha1(content, usedforsecurity=False).digest())


def test_what_arrived_before_the_connection_ended_is_kept(tmp_path: Path) -> None:
    with received_piece(CutOff(b"12", b"345"), tmp_path, max_bytes=10, checksum=None) as piece:  # type: ignore[arg-type]
        assert (piece.path.read_bytes(), piece.size) == (b"12345", 5)
        assert piece.sha256 == hashlib.sha256(b"12345").hexdigest()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "checksum", "error"),
    [
        (b"12345678901", None, UploadTooLarge),
        (b"12345", sha1_of(b"123456"), ChecksumWrong),
    ],
)
def test_a_refused_body_leaves_no_file(
    tmp_path: Path, body: bytes, checksum: Checksum | None, error: type[Exception]
) -> None:
    with (
        pytest.raises(error),
        received_piece(io.BytesIO(body), tmp_path, max_bytes=10, checksum=checksum),
    ):
        raise AssertionError
    assert list(tmp_path.iterdir()) == []


def test_a_body_with_its_checksum_is_accepted(tmp_path: Path) -> None:
    with received_piece(io.BytesIO(b"12345"), tmp_path, max_bytes=5, checksum=sha1_of(b"12345")) as piece:
        assert piece.size == 5


def test_a_directory_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageUnavailable),
        received_piece(io.BytesIO(b"1"), tmp_path / "missing", max_bytes=1, checksum=None),
    ):
        raise AssertionError
