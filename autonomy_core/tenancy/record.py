"""What the server must know of its organisations when their files no longer say it. See docs/decisions/0021.

A file in the data directory, which all processes on it share: which organisations are in service, in which order they
claimed their hosts, and the last good version of each file. It is not derived from the files, so it must not be removed
as an index may be.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Container, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.tenancy.claims import Claim
from autonomy_core.tenancy.domain import Problem, Version
from autonomy_core.tenancy.hosts import name_of
from autonomy_core.tenancy.losses import LOSS_WINDOW_S
from autonomy_core.tenancy.record_file import RecordFile
from autonomy_core.tenancy.sealing import Sealing

RECORD = "tenants.sqlite3"
"""The file in the data directory that is `TenantRecord`'s."""

ACCEPTED_FOR_S = 24 * 3600
"""How long servers may need to notice that a loss was accepted."""

SAME = """
SELECT id, mark, hosts FROM organisations
WHERE id IN (SELECT value FROM json_each(?)) AND id NOT IN (SELECT organisation FROM losses)
"""

KEEP = """
INSERT INTO organisations VALUES (:id, :hosts, :hosts_line, :plugins, :content, :mark, :now)
ON CONFLICT (id) DO UPDATE SET hosts = :hosts, hosts_line = :hosts_line, plugins = :plugins, content = :content,
    mark = :mark, recorded_at = :now
"""


LOSE = """
INSERT INTO losses VALUES (?, ?, ?)
ON CONFLICT (organisation) DO UPDATE SET is_accepted = max(is_accepted, excluded.is_accepted), at = excluded.at
"""
"""A server that follows an operator's word must not take it back."""

REFUSE = """
INSERT OR IGNORE INTO losses SELECT id, 0, ? FROM organisations WHERE id IN (SELECT value FROM json_each(?))
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A version that is in service, to be recorded.

    Attributes:
        granted: the hosts that it has; it claims others in vain.
        owners: the claims of those that have them.
    """

    version: Version
    granted: tuple[str, ...]
    refused: tuple[str, ...] = ()
    owners: tuple[Claim, ...] = ()


class TenantRecord:
    """The record of one server. Every method may be called from any thread, and by several processes at once.

    A method that reads gives what there would be without a record when it cannot be used; `problem` says so then.

    Args:
        path: the file; it is made when something is first written.
        sealing: encrypts what the organisations' files say.
    """

    def __init__(self, path: Path, sealing: Sealing) -> None:
        self._file = RecordFile(path)
        self._sealing = sealing
        self._latest = 0.0

    def problem(self) -> Problem | None:
        """Return what kept the record from being read or written the last time, or None."""
        if self._file.reason is None:
            return None
        message = f"what the server remembers of its organisations cannot be used: {self._file.reason}"
        remedy = (
            "run the server and the command line as the same user, who alone may write the file; "
            "or bring back each organisation's file that is missing, and then move this one away: the server makes "
            "another one, which knows only the organisations whose files are there"
        )
        return Problem(self._file.path, 1, "record_unusable", message, remedy)

    def has_changed(self) -> bool:
        """Whether the file is another one than at the last call, or can be read again after it could not."""
        return self._file.has_changed()

    def has_gone_back(self) -> bool:
        """Whether the latest of its versions is older than at the last call: it may be an older record, or a new one."""
        query = "SELECT max(recorded_at) FROM organisations"
        before = self._latest
        self._latest = self._file.read(lambda db: db.execute(query).fetchone()[0], None) or 0.0
        return self._latest < before

    def ids_but(self, known: Container[str]) -> frozenset[str]:
        """Return the ids of the organisations that are in service as far as the record knows, but for some."""

        def read(db: sqlite3.Connection) -> frozenset[str]:
            found = db.execute("SELECT id FROM organisations")
            return frozenset(row[0] for row in found if row[0] not in known)

        return self._file.read(read, frozenset())

    def unknown(self, ids: Collection[str]) -> frozenset[str]:
        """Return which of some organisations the record does not have in service."""
        query = (
            "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM organisations WHERE id = value)"
        )
        return self._file.read(
            lambda db: frozenset(row[0] for row in db.execute(query, [_json(ids)])), frozenset(ids)
        )

    def versions(self, ids: Collection[str], directory: Path) -> dict[str, Version]:
        """Return the last good versions of some organisations, without their contents.

        Args:
            directory: of the organisations' files.
        """
        query = "SELECT id, hosts, hosts_line, plugins FROM organisations WHERE id IN (SELECT value FROM json_each(?))"

        def read(db: sqlite3.Connection) -> dict[str, Version]:
            return {
                name: Version(name, directory, tuple(json.loads(hosts)), line, tuple(json.loads(plugins)))
                for name, hosts, line, plugins in db.execute(query, [_json(ids)])
            }

        return self._file.read(read, {})

    def content(self, organisation_id: str) -> bytes | None:
        """Return the content of an organisation's last good version; None if there is none, or it cannot be opened."""
        query = "SELECT content FROM organisations WHERE id = ?"
        row = self._file.read(lambda db: db.execute(query, [organisation_id]).fetchone(), None)
        return self._sealing.open(organisation_id, row[0]) if row else None

    def recorded_at(self, organisation_id: str) -> float | None:
        """Return when an organisation's last good version was recorded, in seconds since the epoch."""
        query = "SELECT recorded_at FROM organisations WHERE id = ?"
        row = self._file.read(lambda db: db.execute(query, [organisation_id]).fetchone(), None)
        return row[0] if row else None

    def order(self, names: Collection[str]) -> dict[Claim, int]:
        """Return the claims to all hosts of some names, with numbers that rise in the order of their recording."""
        query = "SELECT organisation, host, number FROM claims WHERE name IN (SELECT value FROM json_each(?))"
        return self._file.read(
            lambda db: {(row[0], row[1]): row[2] for row in db.execute(query, [_json(names)])}, {}
        )

    def losses(self) -> dict[str, bool]:
        """Return the organisations that have left the service of late, and whether an operator has accepted it."""
        query = """
            SELECT organisation, is_accepted FROM losses
            WHERE (is_accepted OR at > ?) AND organisation NOT IN (SELECT id FROM organisations)
        """
        values = [time.time() - LOSS_WINDOW_S]
        return self._file.read(lambda db: {row[0]: bool(row[1]) for row in db.execute(query, values)}, {})

    def refused_losses(self) -> frozenset[str]:
        """Return the organisations that stay in service without their files until an operator accepts their loss."""
        query = "SELECT organisation FROM losses WHERE organisation IN (SELECT id FROM organisations)"
        return self._file.read(lambda db: frozenset(row[0] for row in db.execute(query)), frozenset())

    def keep(self, kept: Collection[Kept], lost: Collection[str]) -> None:
        """Record versions, and that other organisations have left the service.

        Raises:
            RecordUnusable: nothing was recorded.
        """
        if not kept and not lost:
            return
        with self._file.writing() as db:
            rows = {each.version.id: (each, self._row(each.version)) for each in kept}
            known = {row[0]: (row[1], row[2]) for row in db.execute(SAME, [_json(rows)])}
            changed = [
                pair for name, pair in rows.items() if known.get(name) != (pair[1]["mark"], pair[1]["hosts"])
            ]
            if not changed and not lost:
                return
            db.execute("BEGIN IMMEDIATE")
            for each, row in changed:
                content = each.version.content or b""
                db.execute(KEEP, row | {"content": self._sealing.seal(each.version.id, content)})
            _claim(db, [each for each, _ in changed])
            _lose(db, lost, is_accepted=False)
            db.execute("COMMIT")

    def refuse(self, missing: AbstractSet[str]) -> None:
        """Record that organisations stay in service although their files are gone.

        Raises:
            RecordUnusable: it was not recorded.
        """
        if missing - self.refused_losses():
            with self._file.writing() as db:
                db.execute(REFUSE, [time.time(), _json(missing)])

    def accept(self, lost: Collection[str]) -> None:
        """Record that an operator has accepted the loss of some organisations.

        Raises:
            RecordUnusable: it was not recorded.
        """
        with self._file.writing() as db:
            db.execute("BEGIN IMMEDIATE")
            _lose(db, lost, is_accepted=True)
            db.execute("COMMIT")

    def _row(self, version: Version) -> dict[str, object]:
        return {
            "id": version.id,
            "hosts": _json(version.hosts),
            "hosts_line": version.hosts_line,
            "plugins": _json(version.plugins),
            "mark": self._sealing.mark(version.content or b""),
            "now": time.time(),
        }


def _claim(db: sqlite3.Connection, kept: Collection[Kept]) -> None:
    for each in kept:
        forget = "DELETE FROM claims WHERE organisation = ? AND host NOT IN (SELECT value FROM json_each(?))"
        db.execute(forget, [each.version.id, _json(each.version.hosts)])
        db.execute("DELETE FROM losses WHERE organisation = ?", [each.version.id])
    insert = "INSERT OR IGNORE INTO claims (organisation, host, name) VALUES (?, ?, ?)"
    # Those that are in force first: of what was claimed in one moment, they came first. That of an owner may not be
    # recorded yet, if its file was not read.
    granted = [(each.version.id, host) for each in kept for host in each.granted]
    owners = [claim for each in kept for claim in each.owners]
    refused = [(each.version.id, host) for each in kept for host in each.refused]
    claims = (*granted, *owners, *refused)
    db.executemany(insert, [(organisation, host, name_of(host)) for organisation, host in claims])


def _lose(db: sqlite3.Connection, lost: Collection[str], *, is_accepted: bool) -> None:
    now = time.time()
    for name in lost:
        db.execute("DELETE FROM organisations WHERE id = ?", [name])
        db.execute("DELETE FROM claims WHERE organisation = ?", [name])
        db.execute(LOSE, [name, is_accepted, now])
    forget = "DELETE FROM losses WHERE at < ? AND organisation NOT IN (SELECT id FROM organisations)"
    db.execute(forget, [now - ACCEPTED_FOR_S])


def _json(values: Iterable[str] | Mapping[str, object]) -> str:
    return json.dumps(list(values))
