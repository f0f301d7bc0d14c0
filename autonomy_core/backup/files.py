"""The file part of a backup: files are copied and compared by checksum."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Container, Iterable, Iterator, Mapping, Sized
from contextlib import closing
from pathlib import Path
from typing import IO

from autonomy_core.backup.domain import BackupError, FileFacts, naming
from autonomy_core.tenancy.files import give_to

CHUNK_BYTES = 1024 * 1024


def copy(source: Path, target: Path) -> FileFacts:
    """Copy a file so that only its owner can read it. An existing target is not replaced.

    Returns:
        The size and checksum of the copied bytes.

    Raises:
        OSError: reading or writing failed.
    """
    with source.open("rb") as reading:
        return write(_chunks(source, reading), target)


def write(chunks: Iterable[bytes], target: Path) -> FileFacts:
    """Write a file that only its owner can read. An existing target is not replaced.

    Returns:
        The size and checksum of the written bytes.

    Raises:
        OSError: reading or writing failed.
    """
    _make_private(target.parent)
    digest, size = hashlib.sha256(), 0
    with naming(target), _new(target) as writing:
        for chunk in chunks:
            digest.update(chunk)
            size += writing.write(chunk)
        writing.flush()
        os.fsync(writing.fileno())
    return FileFacts(size, digest.hexdigest())


def _make_private(path: Path) -> None:
    """Create a directory and its missing parents for the owner only; `Path.mkdir` opens parents to others."""
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
    """Return the size and the checksum of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return FileFacts(path.stat().st_size, digest.hexdigest())


def files_below(directory: Path) -> Iterator[Path]:
    """Yield every file below a directory in a fixed order; none if the directory does not exist.

    Raises:
        BackupError: there is a symbolic link. Skipping it would lose data without notice.
        OSError: a directory cannot be read.
    """
    for parent, directories, names in os.walk(directory, onerror=_refuse):
        directories.sort()
        for name in sorted([*directories, *names]):
            path = Path(parent, name)
            if path.is_symlink():
                raise BackupError(
                    f"{path} is a symbolic link: replace it with the file or directory that it points to."
                )
            if path.is_file():
                yield path


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def copy_tree(
    source: Path, backup: Path, place: str, there: Container[str] = ()
) -> Iterator[tuple[str, FileFacts]]:
    """Copy every file below a directory into a backup; yield the path in the backup and the facts of each.

    Args:
        source: the directory to copy.
        backup: the directory of the backup.
        place: the target within the backup, a relative path with slashes.
        there: paths in the backup that have been copied from elsewhere.
    """
    for path in files_below(source):
        inner = f"{place}/{path.relative_to(source).as_posix()}"
        if inner in there:
            continue
        try:
            yield inner, copy(path, backup / inner)
        except FileNotFoundError:
            # Removed since the directory was read, by the collection of unused files.
            continue


def copy_sqlite(source: Path, target: Path) -> FileFacts:
    """Copy a consistent snapshot of an SQLite database, which other processes may be writing to.

    Raises:
        BackupError: the database cannot be read or the copy cannot be written.
    """
    _make_private(target.parent)
    _new(target).close()
    try:
        with (
            # Open for writing if allowed, so that SQLite first rolls back a killed process's transaction.
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as reading,
            closing(sqlite3.connect(target)) as writing,
        ):
            reading.backup(writing)
    except sqlite3.Error as error:
        raise BackupError(f"{source} cannot be copied to {target}: {error}.") from None
    return facts_of(target)


def verify(backup: Path, files: Mapping[str, FileFacts]) -> None:
    """Read every file of a backup and compare it with the manifest.

    Raises:
        BackupError: a file is missing or differs.
    """
    for name, expected in files.items():
        path = backup / name
        try:
            found = facts_of(path)
        except OSError as error:
            raise BackupError(f"{path}: {error.strerror}; the backup is damaged.") from None
        if found != expected:
            raise BackupError(
                f"{path} is not the file that was backed up: it has {found.size} bytes and sha256 "
                f"{found.sha256[:16]}…, expected are {expected.size} bytes and sha256 {expected.sha256[:16]}…"
            )


def missing_in(files: Mapping[str, FileFacts], place: str, target: Path) -> dict[str, Path]:
    """Return the files of one place in the backup that do not exist in the target directory yet.

    Returns:
        The target path of each missing file, by its path in the backup.

    Raises:
        BackupError: the target directory has a different file of the same name.
    """
    wanted = {name: target / name.removeprefix(f"{place}/") for name in files if name.startswith(f"{place}/")}
    there = {name for name, path in sorted(wanted.items()) if path.exists()}
    for name in sorted(there):
        if facts_of(wanted[name]) != files[name]:
            raise BackupError(
                f"{wanted[name]} is there, and is not the one in the backup: move it away, or name another "
                "directory."
            )
    return {name: path for name, path in wanted.items() if name not in there}


def put_back(backup: Path, files: Mapping[str, FileFacts], missing: Mapping[str, Path]) -> None:
    """Copy the missing files from the backup to their target paths."""
    for name, path in sorted(missing.items()):
        _put(backup / name, path, files[name])


def _put(source: Path, target: Path, expected: FileFacts) -> None:
    _make_directory(target.parent)
    # Write under another name first, so that a crash leaves no truncated file under the final name.
    draft = target.with_name(f".{target.name}.restoring")
    draft.unlink(missing_ok=True)
    if copy(source, draft) != expected:
        draft.unlink()
        raise BackupError(f"{source} changed during the restoration.")
    _give_to_owner_of_directory(draft)
    draft.rename(target)


def _make_directory(path: Path) -> None:
    if not path.exists():
        _make_directory(path.parent)
        path.mkdir(mode=0o700)
        _give_to_owner_of_directory(path)


def _give_to_owner_of_directory(path: Path) -> None:
    """Root may restore on behalf of the server's user, so new files get the owner of their directory."""
    if os.geteuid() == 0:
        give_to(path, path.parent.stat())


def counted(files: Sized) -> str:
    """Return the number of files with the noun, in the singular or plural."""
    return "1 file" if len(files) == 1 else f"{len(files)} files"
