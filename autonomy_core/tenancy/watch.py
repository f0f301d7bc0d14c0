"""The tenant files of one directory, read again when they or the secrets they refer to change."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.tenancy.domain import LoadedFile, Problem
from autonomy_core.tenancy.files import Signature, signature, signature_of
from autonomy_core.tenancy.loader import TenantLoader, is_tenant_file, unreadable_directory


@dataclass(frozen=True, slots=True)
class _KnownFile:
    signature: Signature
    loaded: LoadedFile

    def is_current(self, seen: Signature) -> bool:
        return self.signature == seen and all(
            signature(path) == then for path, then in self.loaded.references
        )


class WatchedDirectory:
    """Remembers what each file gave. Not thread-safe.

    problem: set while the directory itself cannot be read; its files are remembered meanwhile.
    """

    def __init__(self, directory: Path, loader: TenantLoader) -> None:
        self.problem: Problem | None = None
        self._directory = directory
        self._loader = loader
        self._known: dict[str, _KnownFile] = {}
        self._missed: frozenset[str] = frozenset()

    def files(self) -> dict[str, LoadedFile]:
        """Return the files by organisation id."""
        return {Path(name).stem: known.loaded for name, known in self._known.items()}

    def read_changes(self, *, forget_missing: bool) -> bool:
        """Read what is new or different and return whether anything was.

        forget_missing: forget a file the first time it is missing, not the second. Some editors move a file
        away and write it anew; who looks repeatedly should not mistake the moment in between for a removal.
        """
        before = self.problem
        try:
            seen = self._scan()
        except OSError:
            self.problem = unreadable_directory(self._directory)
            return before is None
        self.problem = None
        forgotten = self._forget(self._known.keys() - seen.keys(), at_once=forget_missing)
        read = [self._read(name, current) for name, current in seen.items()]
        return before is not None or forgotten or any(read)

    def _scan(self) -> dict[str, Signature]:
        with os.scandir(self._directory) as entries:
            return {entry.name: _signature(entry) for entry in entries if is_tenant_file(entry.name)}

    def _read(self, name: str, current: Signature) -> bool:
        known = self._known.get(name)
        if known is not None and known.is_current(current):
            return False
        self._known[name] = _KnownFile(current, self._loader.load(self._directory / name))
        return True

    def _forget(self, missing: Iterable[str], *, at_once: bool) -> bool:
        missing = frozenset(missing)
        gone = missing if at_once else missing & self._missed
        self._missed = missing - gone
        for name in gone:
            del self._known[name]
        return bool(gone)


def _signature(entry: os.DirEntry[str]) -> Signature:
    try:
        return signature_of(entry.stat())
    except OSError:
        # A link to nothing: reading it will say so.
        return (0, 0, 0, 0)
