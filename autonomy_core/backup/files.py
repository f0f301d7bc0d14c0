"""The files of a backup: copied, and compared by their checksums."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO

from autonomy_core.backup.domain import BackupError, FileFacts, naming
from autonomy_core.tenancy.files import give_to

CHUNK_BYTES = 1024 * 1024


def copy(source: Path, target: Path) -> FileFacts:
    """Copy a file, readable by its owner only, and tell what was copied. A file that is there is not replaced.

    Raises:
        OSError: of either file.
    """
    _make_private(target.parent)
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reading, naming(target), _new(target) as writing:
        for chunk in _chunks(source, reading):
            digest.update(chunk)
            size += writing.write(chunk)
        writing.flush()
        os.fsync(writing.fileno())
    return FileFacts(size, digest.hexdigest())


def _make_private(path: Path) -> None:
    """Make a directory, and those above it that are missing, for its owner only: `Path.mkdir` opens these to others."""
    if not path.exists():
        _make_private(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def _chunks(path: Path, file: IO[bytes]) -> Iterator[bytes]:
    with naming(path):
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _new(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")


def facts_of(path: Path) -> FileFacts:
    """The size and the checksum of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return FileFacts(path.stat().st_size, digest.hexdigest())


def files_below(directory: Path) -> Iterator[Path]:
    """Every file below a directory, in a fixed order; none where there is no directory.

    Raises:
        BackupError: there is a symbolic link, which would be left out without a word.
        OSError: a directory cannot be read, which would be left out too.
    """
    for parent, directories, names in os.walk(directory, onerror=_refuse):
        directories.sort()
        for name in sorted([*directories, *names]):
            path = Path(parent, name)
            if path.is_symlink():
                raise BackupError(f"{path} is a symbolic link: put in its place what it points at.")
            if path.is_file():
                yield path


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def copy_tree(source: Path, backup: Path, place: str) -> Iterator[tuple[str, FileFacts]]:
    """Copy every file below a directory into a backup; gives each with its path in the backup.

    Args:
        place: where in the backup, a relative path with slashes.
    """
    for path in files_below(source):
        inner = f"{place}/{path.relative_to(source).as_posix()}"
        try:
            yield inner, copy(path, backup / inner)
        except FileNotFoundError:
            # Removed since the directory was read: what nothing refers to any more is collected.
            continue


def copy_sqlite(source: Path, target: Path) -> FileFacts:
    """Copy an SQLite database as of one moment, while it may be written.

    Raises:
        BackupError: it cannot be read.
    """
    _make_private(target.parent)
    _new(target).close()
    try:
        with (
            # To write, if that is allowed: what a process that was killed has half written is undone first.
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as reading,
            closing(sqlite3.connect(target)) as writing,
        ):
            reading.backup(writing)
    except sqlite3.Error as error:
        raise BackupError(f"{source} cannot be copied to {target}: {error}.") from None
    return facts_of(target)


def verify(backup: Path, files: Mapping[str, FileFacts]) -> None:
    """Read every file of a backup and compare it with what the manifest says.

    Raises:
        BackupError: one is missing or another one.
    """
    for name, expected in files.items():
        path = backup / name
        try:
            found = facts_of(path)
        except OSError as error:
            raise BackupError(f"{path}: {error.strerror}; the backup is damaged.") from None
        if found != expected:
            raise BackupError(
                f"{path} is not the file that was backed up: {found.size} bytes, sha256 {found.sha256[:16]}…, for "
                f"{expected.size} bytes, sha256 {expected.sha256[:16]}…"
            )


def missing_in(files: Mapping[str, FileFacts], place: str, target: Path) -> dict[str, Path]:
    """What of a place of the backup is not yet where it is used, and where that is.

    Raises:
        BackupError: another file of the same name is there.
    """
    wanted = {name: target / name.removeprefix(f"{place}/") for name in files if name.startswith(f"{place}/")}
    there = {name for name, path in sorted(wanted.items()) if path.exists()}
    for name in sorted(there):
        if facts_of(wanted[name]) != files[name]:
            raise BackupError(
                f"{wanted[name]} is there, and is not the one in the backup: move it away, or name another directory."
            )
    return {name: path for name, path in wanted.items() if name not in there}


def put_back(backup: Path, files: Mapping[str, FileFacts], missing: Mapping[str, Path]) -> None:
    """Copy files of the backup to where they are used."""
    for name, path in sorted(missing.items()):
        _put(backup / name, path, files[name])


def _put(source: Path, target: Path, expected: FileFacts) -> None:
    _make_directory(target.parent)
    # Under another name first: a crash leaves no file that is cut short under the right one.
    draft = target.with_name(f".{target.name}.restoring")
    draft.unlink(missing_ok=True)
    if copy(source, draft) != expected:
        draft.unlink()
        raise BackupError(f"{source} has changed while it was restored.")
    _give_to_owner_of_directory(draft)
    draft.rename(target)


def _make_directory(path: Path) -> None:
    if not path.exists():
        _make_directory(path.parent)
        path.mkdir(mode=0o700)
        _give_to_owner_of_directory(path)


def _give_to_owner_of_directory(path: Path) -> None:
    """Root may restore for the server's user, whose the directories are."""
    if os.geteuid() == 0:
        give_to(path, path.parent.stat())
