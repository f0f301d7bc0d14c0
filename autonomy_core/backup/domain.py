"""The layout of a backup: a directory with parts, and a manifest that lists them.

The manifest is written last.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TypeVar

from autonomy_core.backup.dump_header import pg_dump_version

T = TypeVar("T")

FORMAT = 2
"""The version of the layout. Raise it when an older server could not restore the new layout."""

MANIFEST = "manifest.json"
UNFINISHED = "manifest.json.unfinished"
DUMP = "database.dump"
SERVER_INI = "server.ini"
TENANTS = "tenants"
FILES = "files"
RECORD = "record"


class BackupError(RuntimeError):
    """A backup cannot be made or restored. The message gives the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The size and checksum by which a file of the backup is verified.

    Attributes:
        size: in bytes.
        sha256: of the content, in hexadecimal digits.
    """

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The table of contents of a backup.

    Attributes:
        format: the layout, see `FORMAT`.
        version: the version of the server that made the backup.
        taken_at: the time of the database's snapshot, RFC 3339.
        postgresql: the oldest major version of PostgreSQL that can restore the database.
        secret: the fingerprint of the server's secret. The secret itself is not in the backup.
        revisions: the revision of the tables by component.
        tables: the number of rows by table. A name includes the schema and is quoted where necessary.
        files: the facts of each file, by its path within the backup.
        gaps: what is missing in the backup, one sentence each.
    """

    format: int
    version: str
    taken_at: str
    postgresql: int
    secret: str
    revisions: Mapping[str, str]
    tables: Mapping[str, int]
    files: Mapping[str, FileFacts]
    gaps: Sequence[str]


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the file's name to errors that lack it, such as a full disk while writing.

    Raises:
        OSError: with the file's name.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def claim(directory: Path) -> None:
    """Create the directory of a new backup, and reserve it for this process.

    Raises:
        BackupError: the directory is not empty, another process has reserved it, or the path is a file.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise BackupError(
            f"{directory} cannot be made: a file is in its place; name another directory."
        ) from None
    if any(directory.iterdir()):
        raise BackupError(f"{directory} is not empty: name an empty or a new directory.")
    try:
        (directory / UNFINISHED).touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise BackupError(f"Another process is making a backup in {directory}.") from None


def finish(directory: Path, manifest: Manifest) -> None:
    """Write the manifest atomically. Without a manifest the directory is no valid backup."""
    draft = directory / UNFINISHED
    with naming(draft), draft.open("w", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(directory / MANIFEST)


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest of a backup.

    Raises:
        BackupError: the manifest is missing, damaged, or in a newer format.
    """
    path = directory / MANIFEST
    if not directory.is_dir():
        raise BackupError(f"{directory} is no backup: there is no such directory.")
    if (directory / UNFINISHED).exists():
        raise BackupError(
            f"{directory} is a backup that was never finished: remove it, and take another one."
        )
    try:
        content = json.loads(path.read_text("utf-8"))
        if _get(int, content, "format") > FORMAT:
            raise BackupError(
                f"{directory} was made by version {content.get('version')} in a newer format: "
                "restore it with that version."
            )
        return _manifest(_completed(content, directory))
    except FileNotFoundError:
        raise BackupError(f"{directory} is no backup: it has no {MANIFEST}.") from None
    except KeyError as missing:
        raise BackupError(f"{path} is damaged: it has no {missing}.") from None
    except (ValueError, RecursionError) as error:
        raise BackupError(f"{path} is damaged: {error}.") from None


def _completed(content: dict[str, object], directory: Path) -> dict[str, object]:
    """Return the content of a manifest, with the members that some manifests of format 1 lack."""
    if content["format"] != 1:
        return content
    completed = {"gaps": [], **content}
    if "postgresql" not in content:
        completed["postgresql"] = pg_dump_version(directory / DUMP)
    return completed


def _manifest(content: object) -> Manifest:
    files = _each(dict, content, "files")
    return Manifest(
        format=_get(int, content, "format"),
        version=_get(str, content, "version"),
        taken_at=_moment(_get(str, content, "taken_at")),
        postgresql=_get(int, content, "postgresql"),
        secret=_get(str, content, "secret"),
        revisions=_each(str, content, "revisions"),
        tables=_each(int, content, "tables"),
        files={_inner(name): _facts(facts) for name, facts in files.items()},
        gaps=_get(list, content, "gaps"),
    )


def _get(kind: type[T], content: object, name: str) -> T:
    value = _kind(dict, content, "it")[name]
    return _kind(kind, value, repr(name))


def _each(kind: type[T], content: object, name: str) -> dict[str, T]:
    return {key: _kind(kind, value, repr(key)) for key, value in _get(dict, content, name).items()}


def _kind(kind: type[T], value: object, name: str) -> T:
    # Not isinstance, because JSON's true is not a number here.
    if type(value) is not kind:
        raise ValueError(f"{name} is not a {kind.__name__}")
    return value


def _moment(written: str) -> str:
    if datetime.fromisoformat(written).tzinfo is None:
        raise ValueError(f"{written!r} has no time zone")
    return written


def _facts(facts: object) -> FileFacts:
    return FileFacts(_get(int, facts, "size"), _get(str, facts, "sha256"))


def _inner(name: str) -> str:
    """Return a path if it stays within the backup."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ValueError(f"{name!r} leads out of the backup")
    return name


def compare_counts(expected: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """Compare the number of rows of two databases; return one sentence for each table that differs."""
    return [
        f"{table}: {found.get(table, 'none')} for {expected.get(table, 'none')}"
        for table in sorted(expected.keys() | found.keys())
        if expected.get(table) != found.get(table)
    ]
