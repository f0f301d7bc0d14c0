"""Compares the rows of an organisation with its stores, and moves its files between stores."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.files.area import FileArea
from autonomy_core.files.incoming import remove_abandoned
from autonomy_core.files.places import Place, own_store, storage_of_place
from autonomy_core.files.references import ask_references
from autonomy_core.files.services import storage_of
from autonomy_core.files.storage import Storage
from autonomy_core.kernel.scope import TenantScope

MISSING, WRONG_SIZE, UNREFERENCED, DAMAGED = "missing", "wrong_size", "unreferenced", "damaged"

ERRORS = frozenset({MISSING, WRONG_SIZE, DAMAGED})
"""The findings that mean that a file cannot be served. An unreferenced file may belong to a new upload."""


@dataclass(frozen=True, slots=True)
class FileFinding:
    """A file for which rows and stores differ.

    Attributes:
        organisation: the id of the organisation.
        files: the plugin and the area, as ``media_mp3/recordings``.
        finding: ``missing``, ``wrong_size``, ``unreferenced`` or ``damaged``.
        key: of the file.
    """

    organisation: str
    files: str
    finding: str
    key: str


def places_of(scope: TenantScope, area: FileArea) -> tuple[Place, ...]:
    """Where the organisation's files may be; none if the area has a storage of its own."""
    if area.make_storage is not None:
        return ()
    return area.places(scope.server, own_store(scope.organisation))


def compare(scope: TenantScope, area: FileArea) -> Iterator[FileFinding]:
    """Compare the rows with the stores, both ways.

    Args:
        scope: in no transaction, since a store may be slow.
        area: one with a ``referred_to``. If the query has a second column, that is the size in bytes.

    Raises:
        OSError: a store cannot be read.
    """
    with scope.begin() as own:
        # Before the stores are listed, since a file is stored before its row is written.
        referred = ask_references(own, area, "key, size")
        sizes: dict[str, int | None] = {row.key: row.size for row in referred}
    stored = _stored(scope, area)
    for key in sorted(sizes.keys() | stored.keys()):
        finding = _finding(key, sizes, stored)
        if finding is not None:
            yield FileFinding(scope.organisation.id, f"{area.plugin}/{area.name}", finding, key)


def _stored(scope: TenantScope, area: FileArea) -> dict[str, int]:
    """The size of each stored file, by key, in the first place that has it."""
    places = places_of(scope, area)
    if not places:
        storage = storage_of(scope, area)
        return {key: storage.size(key) for key in storage.keys(scope.organisation.id)}
    found: dict[str, int] = {}
    for place in reversed(places):
        found.update(storage_of_place(place).entries(scope.organisation.id))
    return {key: size for key, size in found.items() if key.endswith(area.suffix)}


def _finding(key: str, sizes: Mapping[str, int | None], stored: Mapping[str, int]) -> str | None:
    if key not in sizes:
        return UNREFERENCED
    if key not in stored:
        return MISSING
    return None if sizes[key] in {None, stored[key]} else WRONG_SIZE


@dataclass(slots=True)
class Moved:
    """What a move has done.

    Attributes:
        copied: the number of files that were copied.
        present: the number of files that were there already, with the right content.
        damaged: the files whose content is not what their names say. They are not copied.
    """

    copied: int
    present: int
    damaged: list[FileFinding]


def move(scope: TenantScope, area: FileArea, *, to: str | None = None) -> Moved:
    """Copy an organisation's files from its other stores into one, while the server serves.

    It may be interrupted and repeated: what is there already is compared with the digest in its name, and
    copied again if it differs. Nothing is deleted from the other stores.

    Args:
        scope: in no transaction.
        area: the files.
        to: the URL of the store in the ini files; None for the one into which the server writes.

    Raises:
        OSError: a store cannot be read or written.
        LookupError: the ini files name no store with that URL.
    """
    places = places_of(scope, area)
    moved = Moved(0, 0, [])
    if not places:
        return moved
    wanted = [place for place in places if to in {None, place.store.url}]
    if not wanted:
        raise LookupError(f"{scope.organisation.id} has no store {to}")
    spool = area.incoming(scope.server)
    remove_abandoned(spool)
    target = storage_of_place(wanted[0])
    there = dict(target.entries(scope.organisation.id))
    verified: set[str] = set()
    for place in places:
        if place == wanted[0]:
            continue
        source = storage_of_place(place)
        for key, size in list(source.entries(scope.organisation.id)):
            if key in verified or (there.get(key) == size and _has_its_content(target, key, size)):
                moved.present += 1
            else:
                outcome = _copy(source, target, key, size, spool)
                if outcome is None:
                    continue
                if not outcome:
                    name = f"{area.plugin}/{area.name}"
                    moved.damaged.append(FileFinding(scope.organisation.id, name, DAMAGED, key))
                    continue
                moved.copied += 1
            verified.add(key)
    return moved


def _copy(source: Storage, target: Storage, key: str, size: int, spool: Path) -> bool | None:
    """Copy a file, and read it back.

    Returns:
        Whether the content is what the name says; otherwise nothing is copied. None if the collection of
        unused files has removed the file since it was listed.

    Raises:
        OSError: the target does not return what was written.
    """
    # The prefix lets `receiving` remove the file if this process is killed.
    with tempfile.NamedTemporaryFile(dir=spool, prefix="upload-") as file:
        received = hashlib.sha256()
        try:
            chunks = source.open_range(key, 0, size - 1)
        except FileNotFoundError:
            return None
        for chunk in chunks:
            received.update(chunk)
            file.write(chunk)
        file.flush()
        if received.hexdigest() != _digest_in(key):
            return False
        if not target.put_file(key, Path(file.name)):
            # A file of the same size with other content. Readers fall back on the other stores meanwhile.
            target.delete(key)
            target.put_file(key, Path(file.name))
    if not _has_its_content(target, key, size):
        target.delete(key)
        raise OSError(f"the new store gives other bytes for {key} than were written")
    return True


def _has_its_content(storage: Storage, key: str, size: int) -> bool:
    """Whether a stored file has the SHA-256 that its key names."""
    found = hashlib.sha256()
    try:
        for chunk in storage.open_range(key, 0, size - 1):
            found.update(chunk)
    except FileNotFoundError:
        return False
    return found.hexdigest() == _digest_in(key)


def _digest_in(key: str) -> str:
    return key.rpartition("/")[2].partition(".")[0]
