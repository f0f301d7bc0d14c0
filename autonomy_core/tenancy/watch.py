"""The tenant files of one directory, read again when they or the secrets they refer to change."""

from __future__ import annotations

import os
import time
from collections.abc import Container, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

from autonomy_core.tenancy.domain import KnownFile, LoadedFile, Problem, Version
from autonomy_core.tenancy.files import Signature, is_fresh, signature, signature_of
from autonomy_core.tenancy.index import TenantIndex
from autonomy_core.tenancy.loader import SUFFIX, TenantLoader, is_tenant_file, unreadable_directory


class WatchedDirectory:
    """Remembers what each file gave. Not thread-safe.

    problem: set while the directory itself cannot be read; its files are remembered meanwhile.
    unread: the ids of organisations that are known from the index alone, for whoever has the time to read them.
    differs_from_index: whether something is known that the index does not say.
    """

    def __init__(self, directory: Path, loader: TenantLoader, index: TenantIndex | None = None) -> None:
        self.problem: Problem | None = None
        self._directory = directory
        self._loader = loader
        self._index = index
        self._known: dict[str, KnownFile] = {}
        self._missed: frozenset[str] = frozenset()
        self.unread: list[str] = []
        self.differs_from_index = False

    def files(self) -> Mapping[str, KnownFile]:
        """Return the files by organisation id."""
        return self._known

    def read_index(self) -> None:
        """Begin with what the index says; `read_changes` finds what is otherwise by now."""
        if self._index:
            self._known = self._index.read()
            self.unread = list(self._known)

    def read_changes(self, *, at_once: bool, lost: Container[str] = ()) -> bool:
        """Read what is new or different and return whether anything was.

        Args:
            at_once: forget a file the first time it is missing, not the second, and take one that may be half written
                where nothing better is known. Some editors move a file away and write it anew, or write it bit by
                bit; who looks repeatedly should not mistake the moment in between for a change.
            lost: the ids of organisations whose files another process has missed twice already.
        """
        before = self.problem
        missing = set(self._known)
        try:
            different = self._scan(missing)
        except OSError as error:
            self.problem = unreadable_directory(self._directory, error)
            return self.problem != before
        self.problem = None
        # A listing may leave out a file that is replaced meanwhile.
        missing = {name for name in missing if signature(self._path(name)) is None}
        forgotten = self._forget({name for name in missing if at_once or name in lost}, missing)
        read = [self._read(name, seen, at_once=at_once) for name, seen in different]
        return before is not None or forgotten or any(read)

    def read_unread(self, name: str) -> bool:
        """Read the file of an organisation that is known from the index alone; gives whether the index was wrong."""
        known = self._known.get(name)
        if known is None or known.version is None or known.version.content is not None:
            return False
        if known.problems:
            # It could not be read; `read_changes` tries again, which is often enough.
            return False
        seen = signature(self._path(name))
        # If it is gone, it is for `read_changes` to find out whether it stays away.
        return seen is not None and self._read(name, seen, at_once=False)

    def write_index(self) -> None:
        """Write what is known for the next process, if it is not in the index yet.

        Raises:
            OSError: it cannot be written.
        """
        if self._index and self.differs_from_index:
            self._index.write(self._known)
            self.differs_from_index = False

    def _scan(self, missing: set[str]) -> list[tuple[str, Signature]]:
        """Find the files that are new or different, and take those that are there from the missing ones."""
        different = []
        with os.scandir(self._directory) as entries:
            for entry in entries:
                if is_tenant_file(entry.name):
                    name, seen = entry.name.removesuffix(SUFFIX), _signature(entry)
                    missing.discard(name)
                    if not self._is_current(name, seen):
                        different.append((name, seen))
        return different

    def _is_current(self, name: str, seen: Signature) -> bool:
        known = self._known.get(name)
        return (
            known is not None
            and known.signature == seen
            and not known.is_doubtful
            and all(signature(Path(path)) == then for path, then in known.references)
        )

    def _read(self, name: str, seen: Signature, *, at_once: bool) -> bool:
        # The time before it is read: an edit afterwards has a later one.
        now_ns = time.time_ns()
        loaded = self._loader.load(self._path(name))
        if loaded.is_unfinished and not at_once:
            # Its signature is not kept, so the next look reads it again.
            return False
        references = tuple((str(path), then) for path, then in loaded.references)
        signatures = (seen, *(then for _, then in references))
        new = KnownFile(
            signature=seen,
            version=loaded.version,
            problems=loaded.problems,
            references=references,
            is_doubtful=loaded.is_unreadable
            or loaded.is_unfinished
            or any(is_fresh(each, now_ns) for each in signatures),
            uses_environment=loaded.uses_environment,
            is_unfinished=loaded.is_unfinished,
        )
        old = self._known.get(name)
        if old is not None and old.version is not None and _stands(old.version, loaded):
            new = replace(new, version=old.version, is_unfinished=old.is_unfinished and loaded.is_unfinished)
        self._known[name] = new
        # What is doubtful is not for the index; it is read once more.
        differs = old is None or old.signature != seen or old.is_doubtful
        self.differs_from_index |= differs and not new.is_doubtful
        return old is None or _told(old) != _told(new)

    def _forget(self, certain: AbstractSet[str], missing: AbstractSet[str]) -> bool:
        gone = certain | (missing & self._missed)
        self._missed = frozenset(missing - gone)
        for name in gone:
            del self._known[name]
        self.differs_from_index |= bool(gone)
        return bool(gone)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}{SUFFIX}"


def _told(file: KnownFile) -> tuple[Version | None, tuple[Problem, ...], bool]:
    """What decides over an organisation's service."""
    return file.version, file.problems, file.is_unfinished


def _stands(old: Version, loaded: LoadedFile) -> bool:
    """Whether there is nothing newer than a version: its file could not be read as a whole, or says the same."""
    if loaded.version is not None and _is_same(old, loaded.version):
        return True
    # Nobody else is to have its hosts because of a moment without file handles, or of an editor's.
    return loaded.is_unfinished or (loaded.version is None and loaded.is_unreadable)


def _is_same(old: Version, new: Version) -> bool:
    """Whether a version says what another one said. What the old one did not know yet, it takes over."""
    if (old.hosts, old.plugins) != (new.hosts, new.plugins):
        return False
    if old.content is None:
        old.content = new.content
    old.hosts_line = new.hosts_line
    return old.content == new.content


def _signature(entry: os.DirEntry[str]) -> Signature:
    try:
        return signature_of(entry.stat())
    except OSError:
        # A link to nothing: reading it will say so.
        return b""
