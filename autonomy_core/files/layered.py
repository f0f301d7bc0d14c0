"""`LayeredStorage`: files that are in one of several storages, while they move from one to another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

from autonomy_core.files.storage import Storage

T = TypeVar("T")


class LayeredStorage:
    """Writes to the first storage, and reads from the first that has the file.

    Args:
        storages: the first one is the new one.
    """

    def __init__(self, storages: Sequence[Storage]) -> None:
        self._storages = tuple(storages)

    def put_file(self, key: str, path: Path) -> bool:
        """Store a file in the first storage, even if another one has it. See `Storage`."""
        return self._storages[0].put_file(key, path)

    def open_range(self, key: str, start: int, end_inclusive: int) -> Iterator[bytes]:
        """Read a part of a file. See `Storage`."""
        return self._first(lambda storage: storage.open_range(key, start, end_inclusive))

    def open_local(self, key: str, start: int, end_inclusive: int) -> BinaryIO | None:
        """Open a file at a part of it. See `Storage`."""
        storage = self._first(lambda storage: (storage.size(key), storage)[1])
        return storage.open_local(key, start, end_inclusive)

    def size(self, key: str) -> int:
        """The size of a file in bytes. See `Storage`."""
        return self._first(lambda storage: storage.size(key))

    def keys(self, organisation_id: str) -> Iterator[str]:
        """List the keys of an organisation's files, each once. See `Storage`."""
        seen: set[str] = set()
        for storage in self._storages:
            for key in storage.keys(organisation_id):
                if key not in seen:
                    seen.add(key)
                    yield key

    def delete(self, key: str) -> None:
        """Remove a file from every storage. See `Storage`."""
        # In this order, because a concurrent move copies from the later ones to the first.
        for storage in reversed(self._storages):
            storage.delete(key)

    def _first(self, call: Callable[[Storage], T]) -> T:
        for storage in self._storages[:-1]:
            try:
                return call(storage)
            except FileNotFoundError:
                continue
        return call(self._storages[-1])
