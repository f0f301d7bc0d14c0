"""Keeps files by their content, through obstore: a local directory, or any other store that obstore speaks to.

A key is ``<organisation>/<first two digits>/<SHA-256>.mp3``. The same key therefore always means the same bytes,
and writing a file twice is writing it once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Protocol, runtime_checkable

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore

CHUNK_BYTES: Final = 256 * 1024

_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}/([0-9a-f]{2})/(?=\1)[0-9a-f]{64}\.mp3", re.ASCII)


FAILURES: Final = (OSError, BaseError)
"""What a store raises that does not do as it should: the disk is full, a file is gone or cut short."""


class BadKey(ValueError):
    """The key is not of the one form that there is, and reaches no store."""


@runtime_checkable
class Storage(Protocol):
    """Where files are. Every method takes a key as `storage_key` makes it, and raises `BadKey` for any other.

    Reading what is not there raises FileNotFoundError; whatever else goes wrong raises one of `FAILURES`.
    """

    def put_file(self, key: str, path: Path) -> bool:
        """Store a file. Returns whether it was written: False when it was there already, and whole."""

    def open_range(self, key: str, start: int, end_inclusive: int) -> Iterator[bytes]:
        """The bytes from ``start`` to ``end_inclusive``, in chunks; the file is found before the first is taken."""

    def open_local(self, key: str, start: int, end_inclusive: int) -> BinaryIO | None:
        """The same, as an open file at ``start``, for a web server to send; None when it is not on this machine."""

    def size(self, key: str) -> int:
        """How many bytes a file has."""

    def keys(self, organisation_id: str) -> Iterator[str]:
        """The keys of all files of an organisation."""

    def delete(self, key: str) -> None:
        """Remove a file; nothing happens when it is not there."""

    def local_path(self, key: str) -> Path | None:
        """Where the file lies on this machine, for a web server to send; None when it does not."""


def storage_key(organisation_id: str, sha256: str) -> str:
    """The key of a file.

    Args:
        organisation_id: whose file it is.
        sha256: of the content, 64 lower-case hexadecimal digits.

    Raises:
        BadKey: one of them is malformed.
    """
    return checked_key(f"{organisation_id}/{sha256[:2]}/{sha256}.mp3")


def checked_key(key: str) -> str:
    """The key itself, when it is one.

    Raises:
        BadKey: it is not.
    """
    if not _KEY.fullmatch(key):
        raise BadKey("a storage key has the form <organisation>/<two digits>/<SHA-256>.mp3")
    return key


class ObjectStorage:
    """`Storage` in any obstore store.

    Args:
        store: the store; its root holds nothing else.
        root: the directory behind it when it is a local one.
    """

    def __init__(self, store: ObjectStore, root: Path | None = None) -> None:
        self._store, self._root = store, root

    @classmethod
    def in_directory(cls, root: Path) -> ObjectStorage:
        """Storage in a local directory, which is made when it does not exist."""
        root = root.resolve()
        return cls(LocalStore(str(root), mkdir=True), root)

    def put_file(self, key: str, path: Path) -> bool:
        """Store a file without reading it into memory. See `Storage`."""
        # A file that a power failure cut short is there, and is not the file.
        if self._size_if_there(key) == path.stat().st_size:
            return False
        # The store's own create-only mode would read the whole file into memory. Multipart writes are atomic, and two
        # at once write the same bytes, since the key is the content.
        obstore.put(self._store, key, path, use_multipart=True)
        return True

    def open_range(self, key: str, start: int, end_inclusive: int) -> Iterator[bytes]:
        """Read a part of a file. See `Storage`."""
        checked_key(key)
        if end_inclusive < start:
            return iter(())
        wanted = (start, end_inclusive + 1)
        found = obstore.get(self._store, key, options={"range": wanted})
        if found.range != wanted:
            raise OSError(f"the file ends before byte {end_inclusive}")
        return (bytes(chunk) for chunk in found.stream(min_chunk_size=CHUNK_BYTES))

    def open_local(self, key: str, start: int, end_inclusive: int) -> BinaryIO | None:
        """Open a file at a part of it. See `Storage`."""
        path = self.local_path(key)
        if path is None:
            return None
        file = path.open("rb")
        if os.fstat(file.fileno()).st_size <= end_inclusive:
            file.close()
            raise OSError(f"the file ends before byte {end_inclusive}")
        file.seek(start)
        return file

    def size(self, key: str) -> int:
        """How many bytes a file has. See `Storage`."""
        return obstore.head(self._store, checked_key(key))["size"]

    def keys(self, organisation_id: str) -> Iterator[str]:
        """The keys of all files of an organisation. What lies there and has no such name is none of them. See `Storage`."""
        for page in obstore.list(self._store, organisation_id):
            for found in page:
                key = found["path"]
                if key.startswith(f"{organisation_id}/") and _KEY.fullmatch(key):
                    yield key

    def delete(self, key: str) -> None:
        """Remove a file. See `Storage`."""
        checked_key(key)
        try:
            obstore.delete(self._store, key)
        except FileNotFoundError:
            return

    def local_path(self, key: str) -> Path | None:
        """Where the file lies on this machine. See `Storage`."""
        checked_key(key)
        return self._root / key if self._root else None

    def _size_if_there(self, key: str) -> int | None:
        try:
            return self.size(key)
        except FileNotFoundError:
            return None
