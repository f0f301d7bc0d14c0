"""What a backup is: a directory with parts, and a manifest that vouches for them. The manifest is written last."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

FORMAT = 1
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
        secret: the fingerprint of the server's secret, which is not in the backup.
        revisions: of each component's tables, by its name.
        tables: how many rows each has, by its name with schema, quoted where necessary.
        files: by their paths within the backup.
    """

    format: int
    version: str
    taken_at: str
    secret: str
    revisions: Mapping[str, str]
    tables: Mapping[str, int]
    files: Mapping[str, FileFacts]


def claim(directory: Path) -> None:
    """Begin a backup in a directory, which is made; only one process does.

    Raises:
        BackupError: the directory is not empty.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise BackupError(f"{directory} is not empty: name a directory that is, or does not exist yet.")
    try:
        (directory / UNFINISHED).touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise BackupError(f"Another process is making a backup in {directory}.") from None


def finish(directory: Path, manifest: Manifest) -> None:
    """Write the manifest, whole or not at all: from then on the backup is one."""
    draft = directory / UNFINISHED
    with draft.open("w", encoding="utf-8") as file:
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
    if (directory / UNFINISHED).exists():
        raise BackupError(
            f"{directory} is a backup that was never finished: remove it, and take another one."
        )
    try:
        content = json.loads(path.read_text("utf-8"))
        version = int(content["format"])
    except FileNotFoundError:
        raise BackupError(f"{directory} is no backup: it has no {MANIFEST}.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{path} cannot be read: {type(error).__name__}.") from None
    if version > FORMAT:
        raise BackupError(
            f"{directory} was made by version {content.get('version')} in a newer format: restore it with that version."
        )
    return _manifest(path, content)


def _manifest(path: Path, content: dict[str, Any]) -> Manifest:
    try:
        files = {_inner(name): FileFacts(**facts) for name, facts in content.pop("files").items()}
        return Manifest(files=files, **content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BackupError(f"{path} is damaged: {error}.") from None


def _inner(name: str) -> str:
    """A path that stays within the backup."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name!r} leads out of the backup")
    return name


def compare_counts(expected: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """How the rows of two databases differ in number, a sentence for each table."""
    return [
        f"{table}: {found.get(table, 'none')} for {expected.get(table, 'none')}"
        for table in sorted(expected.keys() | found.keys())
        if expected.get(table) != found.get(table)
    ]
