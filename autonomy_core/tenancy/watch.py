"""The tenant files of one directory. Reads them again when they, their texts, or their secrets change."""

from __future__ import annotations

import os
import time
from collections.abc import Container, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

from autonomy_core.tenancy.domain import KnownFile, LoadedFile, Problem, Version
from autonomy_core.tenancy.files import FRESH_NS, Signature, is_fresh, signature, signature_of
from autonomy_core.tenancy.index import TenantIndex
from autonomy_core.tenancy.loader import TenantLoader
from autonomy_core.tenancy.reading import SUFFIX, is_tenant_file, unreadable_directory
from autonomy_core.tenancy.texts import texts_directory


class WatchedDirectory:
    """Caches the result of reading each file. Not thread-safe.

    Args:
        directory: the directory of the organisations' files.
        loader: reads one file.
        index: the results of an earlier process; None for no index.
        fresh_ns: see `files.FRESH_NS`.

    Attributes:
        problem: set while the directory cannot be read; the cached results stay.
        unread: ids of organisations that are known from the index only. A background thread reads their
            files.
        differs_from_index: whether the cached results differ from the index.
    """

    def __init__(
        self,
        directory: Path,
        loader: TenantLoader,
        index: TenantIndex | None = None,
        fresh_ns: int = FRESH_NS,
    ) -> None:
        self.problem: Problem | None = None
        self._directory = directory
        self._loader = loader
        self._index = index
        self._fresh_ns = fresh_ns
        self._known: dict[str, KnownFile] = {}
        self._missing_before: frozenset[str] = frozenset()
        self.unread: list[str] = []
        self.differs_from_index = False
        self._read_versions: list[Version] = []

    def files(self) -> Mapping[str, KnownFile]:
        """Return the files by organisation id."""
        return self._known

    def read_index(self) -> None:
        """Start with the results in the index. `read_changes` then finds the differences."""
        if self._index:
            self._known = self._index.read()
            self.unread = list(self._known)

    def read_changes(self, *, immediately: bool, lost: Container[str] = ()) -> bool:
        """Read new and changed files.

        Some editors move a file away and write a new one, or write it in parts. Periodic checks must not take
        this for a change.

        Args:
            immediately: treat a file as gone when it is missing once, not twice; and accept an incomplete
                file if there is no better version.
            lost: ids of organisations whose files another process has already found missing twice.

        Returns:
            Whether any result changed.
        """
        before = self.problem
        missing = set(self._known)
        try:
            different = self._scan(missing)
        except OSError as error:
            self.problem = unreadable_directory(self._directory, error)
            return self.problem != before
        self.problem = None
        # A directory listing may omit a file that is being replaced.
        missing = {name for name in missing if signature(self._path(name)) is None}
        forgotten = self._forget({name for name in missing if immediately or name in lost}, missing)
        read = [self._read(name, seen, immediately=immediately) for name, seen in different]
        return before is not None or forgotten or any(read)

    def read_unread(self, name: str) -> bool:
        """Read the file of an organisation that is known from the index only. True if the index was wrong."""
        known = self._known.get(name)
        if known is None or known.version is None or known.version.content is not None:
            return False
        if known.problems:
            # The file could not be read. `read_changes` tries again, which is often enough.
            return False
        seen = signature(self._path(name))
        # If the file is gone, `read_changes` will find out whether it stays away.
        return seen is not None and self._read(name, seen, immediately=False)

    def add_content_of(self, version: Version) -> None:
        """Add the content of a recorded version to a file that is known from the index only."""
        known = self._known.get(version.id)
        if known is not None and known.version is not None and known.version.content is None:
            self._known[version.id] = replace(known, version=version)

    def take_read_versions(self) -> Sequence[Version]:
        """Return the versions of the files that were read since the last call."""
        read, self._read_versions = self._read_versions, []
        return read

    def write_index(self) -> None:
        """Write the index for the next process, if it is out of date.

        Raises:
            OSError: it cannot be written.
        """
        if self._index and self.differs_from_index:
            self._index.write(self._known)
            self.differs_from_index = False

    def _scan(self, missing: set[str]) -> list[tuple[str, Signature]]:
        """List new and changed files, and remove existing files from the set of missing ones."""
        different: dict[str, Signature] = {}
        directories = []
        with os.scandir(self._directory) as entries:
            for entry in entries:
                if is_tenant_file(entry.name):
                    name, seen = entry.name.removesuffix(SUFFIX), _signature(entry)
                    missing.discard(name)
                    if not self._is_current(name, seen):
                        different[name] = seen
                elif entry.is_dir():
                    directories.append(entry.name)
        new = {name: self._known[name].signature for name in directories if self._has_new_texts(name)}
        return list({**new, **different}.items())

    def _is_current(self, name: str, seen: Signature) -> bool:
        known = self._known.get(name)
        return (
            known is not None
            and known.signature == seen
            and not known.is_doubtful
            and all(signature(Path(path)) == then for path, then in known.references)
        )

    def _has_new_texts(self, name: str) -> bool:
        """Whether a known organisation got a directory since its file was read."""
        known = self._known.get(name)
        texts = str(texts_directory(self._path(name)))
        return known is not None and all(path != texts for path, _ in known.references)

    def _read(self, name: str, seen: Signature, *, immediately: bool) -> bool:
        # The time before reading: any later edit has a later time.
        now_ns = time.time_ns()
        loaded = self._loader.load(self._path(name))
        if loaded.is_unfinished and not immediately:
            # The signature is not stored, so the next check reads the file again.
            return False
        references = tuple((str(path), then) for path, then in (*loaded.references, *loaded.texts))
        signatures = (seen, *(then for _, then in references))
        new = KnownFile(
            signature=seen,
            version=loaded.version,
            problems=loaded.problems,
            references=references,
            is_doubtful=loaded.is_unreadable
            or loaded.is_unfinished
            or any(is_fresh(each, now_ns, self._fresh_ns) for each in signatures),
            uses_environment=loaded.uses_environment,
            is_unfinished=loaded.is_unfinished,
        )
        old = self._known.get(name)
        if old is not None and old.version is not None:
            new = _continued(old, old.version, new, loaded)
        self._known[name] = new
        if new.version is not None:
            self._read_versions.append(new.version)
        # The index gets only reliable results; this file is read again.
        differs = old is None or old.signature != seen or old.is_doubtful
        self.differs_from_index |= differs and not new.is_doubtful
        return old is None or _serves_otherwise(old, new)

    def _forget(self, certain: AbstractSet[str], missing: AbstractSet[str]) -> bool:
        gone = certain | (missing & self._missing_before)
        self._missing_before = frozenset(missing - gone)
        for name in gone:
            del self._known[name]
        self.differs_from_index |= bool(gone)
        return bool(gone)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}{SUFFIX}"


def _serves_otherwise(old: KnownFile, new: KnownFile) -> bool:
    """Whether two results of reading a file differ in what affects the organisation's service."""
    is_same = new.version.serves_as(old.version) if new.version is not None else old.version is None
    return not is_same or (old.problems, old.is_unfinished) != (new.problems, new.is_unfinished)


def _continued(old: KnownFile, version: Version, new: KnownFile, loaded: LoadedFile) -> KnownFile:
    """The new result, with the old version if the file could not be read completely."""
    is_unfinished = old.is_unfinished and loaded.is_unfinished
    if loaded.version is not None and loaded.version.serves_as(version):
        known = (version.content, version.hosts_line)
        is_equal = known == (loaded.version.content, loaded.version.hosts_line)
        return replace(new, version=version if is_equal else loaded.version, is_unfinished=is_unfinished)
    # A lack of file handles or an editor's save must not give the organisation's hosts to another one.
    if loaded.is_unfinished or (loaded.version is None and loaded.is_unreadable):
        return replace(new, version=version, is_unfinished=is_unfinished)
    return new


def _signature(entry: os.DirEntry[str]) -> Signature:
    try:
        return signature_of(entry.stat())
    except OSError:
        # A dangling link. Reading it will report the problem.
        return b""
