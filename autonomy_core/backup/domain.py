"""What a backup is: a directory with parts, and a manifest that vouches for them. The manifest is written last."""

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
"""The version of the layout. Raise it when an older server could no longer restore what is written."""

MANIFEST = "manifest.json"
UNFINISHED = "manifest.json.unfinished"
DUMP = "database.dump"
SERVER_INI = "server.ini"
TENANTS = "tenants"
FILES = "files"
RECORD = "record"


class BackupError(RuntimeError):
    """A backup cannot be made or restored; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file of the backup is known by.

    Attributes:
        size: in bytes.
        sha256: of its content, in hexadecimal digits.
    """

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup.

    Attributes:
        format: see `FORMAT`.
        version: of the server that made it.
        taken_at: of which moment the database is, RFC 3339.
        postgresql: the oldest major version of PostgreSQL that the database can be restored on.
        secret: the fingerprint of the server's secret, which is not in the backup.
        revisions: of each component's tables, by its name.
        tables: how many rows each has, by its name with schema, quoted where necessary.
        files: by their paths within the backup.
        gaps: what is not in the backup although it should be, a sentence each.
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
    """Name the file where writing to it fails, which the system does not: a full disk, for example.

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
    """Begin a backup in a directory, which is made; only one process does.

    Raises:
        BackupError: the directory is not empty, or is none.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise BackupError(
            f"{directory} cannot be made: a file is in its place; name another directory."
        ) from None
    if any(directory.iterdir()):
        raise BackupError(f"{directory} is not empty: name a directory that is, or does not exist yet.")
    try:
        (directory / UNFINISHED).touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise BackupError(f"Another process is making a backup in {directory}.") from None


def finish(directory: Path, manifest: Manifest) -> None:
    """Write the manifest, whole or not at all: from then on the backup is one."""
    draft = directory / UNFINISHED
    with naming(draft), draft.open("w", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(directory / MANIFEST)


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        BackupError: there is none, or it is none that this version can read.
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
    """What a manifest of the first format says, with what some of them leave out."""
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
    # Not isinstance: JSON's true is no number.
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
    """A path that stays within the backup."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ValueError(f"{name!r} leads out of the backup")
    return name


def compare_counts(expected: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """How the rows of two databases differ in number, a sentence for each table."""
    return [
        f"{table}: {found.get(table, 'none')} for {expected.get(table, 'none')}"
        for table in sorted(expected.keys() | found.keys())
        if expected.get(table) != found.get(table)
    ]
