"""The SQLite file of `record.TenantRecord`: creating, checking and opening it."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from autonomy_core.tenancy.files import Signature, give_to, signature

Found = TypeVar("Found")

TIMEOUT_S = 2.0
"""How long to wait for a process that holds the write lock, in seconds."""

CACHE_KIB = 256
"""The page cache of a connection, in KiB. SQLite's default is eight times as large, and stays allocated."""

FORMAT = 1

TABLES = """
CREATE TABLE organisations (
    id TEXT PRIMARY KEY,
    hosts TEXT NOT NULL,
    hosts_line INTEGER NOT NULL,
    plugins TEXT NOT NULL,
    content BLOB NOT NULL,
    mark BLOB NOT NULL,
    recorded_at REAL NOT NULL
);
CREATE TABLE claims (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL,
    host TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (organisation, host)
);
CREATE INDEX claims_by_name ON claims (name);
CREATE TABLE losses (organisation TEXT PRIMARY KEY, is_accepted INTEGER NOT NULL, at REAL NOT NULL);
"""


class RecordUnusable(Exception):
    """The record cannot be read or written. The message says why."""


class RecordFile:
    """A SQLite file that only its owner may write. Each use opens it anew, so any thread may use it.

    Args:
        path: the path of the file. The first write creates it.
        timeout_s: see `TIMEOUT_S`.
    """

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        self.path = path
        self._timeout_s = timeout_s
        self._reasons: dict[bool, str] = {}
        self._seen: Signature | None = None

    @property
    def reason(self) -> str | None:
        """Why the last attempts to read or write the file failed; None if they succeeded."""
        return "; ".join(sorted(set(self._reasons.values()))) or None

    def has_changed(self) -> bool:
        """Whether the file changed since the last call, or became readable again."""
        before, self._seen = self._seen, signature(self.path)
        if before != self._seen or False not in self._reasons:
            return before != self._seen
        self.read(_format, 0)
        return False not in self._reasons

    def read(self, read: Callable[[sqlite3.Connection], Found], nothing: Found) -> Found:
        """Call a function with a connection.

        Args:
            read: the function, which only reads.
            nothing: the result if there is no file, or if it cannot be used.

        Returns:
            The function's result, or ``nothing``.
        """
        if _is_absent(self.path):
            self._reasons.pop(False, None)
            return nothing
        try:
            with self._open(writes=False) as db:
                # The format is 0 while another process creates the tables.
                return read(db) if _format(db) else nothing
        except RecordUnusable:
            return nothing

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection that is in no transaction.

        Raises:
            RecordUnusable: the file cannot be used, or an SQL statement of the block failed.
        """
        with self._open(writes=True) as db:
            yield db

    @contextmanager
    def _open(self, *, writes: bool) -> Iterator[sqlite3.Connection]:
        self._reasons.pop(writes, None)
        try:
            if writes:
                _make(self.path)
            _require_trust(self.path, writes=writes)
            with closing(_connect(self.path, self._timeout_s)) as db:
                db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
                if writes:
                    _make_tables(db)
                _format(db)
                yield db
        except (sqlite3.Error, OSError, ValueError) as error:
            reason = self._reasons[writes] = str(getattr(error, "strerror", None) or error)
            raise RecordUnusable(f"{self.path}: {reason}") from None


def _connect(path: Path, timeout_s: float) -> sqlite3.Connection:
    # Read-write even for reading: only such a connection can roll back what a killed process left incomplete.
    location = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(location, timeout=timeout_s, isolation_level=None, uri=True)


def _is_absent(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _make(path: Path) -> None:
    """Create the file if it is missing. When root does it, the file gets the owner of its directory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    except FileExistsError:
        return
    if os.geteuid() == 0:
        give_to(path, path.parent.stat())


def _require_trust(path: Path, *, writes: bool) -> None:
    """Check that only its owner can have written the file.

    Raises:
        OSError: other users may write it, or it is not a regular file.
    """
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is not a regular file")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise OSError("others than its owner may write it")
    if writes and os.geteuid() not in (0, status.st_uid):
        raise OSError("it belongs to another user")


def _make_tables(db: sqlite3.Connection) -> None:
    if _format(db) == 0:
        db.execute("BEGIN IMMEDIATE")
        # Check again under the write lock: another process may have created them.
        if _format(db) == 0:
            for statement in TABLES.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {FORMAT}")
        db.execute("COMMIT")


def _format(db: sqlite3.Connection) -> int:
    """The format version of the file; 0 while it is empty.

    Raises:
        ValueError: the format is unknown.
    """
    (number,) = db.execute("PRAGMA user_version").fetchone()
    if number not in (0, FORMAT):
        raise ValueError("another version of the server has written it")
    return int(number)
