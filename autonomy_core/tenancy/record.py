"""What the server must still have of organisations when their files are gone or broken. See decision 0021.

The record is a file in the data directory that all processes share. It contains the organisations in service,
the order in which they claimed their hosts, and the last good version of each file. Unlike the index, it
cannot be rebuilt from the files, so do not delete it.
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
from autonomy_core.tenancy.record_file import TIMEOUT_S, RecordFile
from autonomy_core.tenancy.sealing import Sealing

RECORD = "tenants.sqlite3"
"""The name of the record's file in the data directory."""

ACCEPTED_FOR_S = 24 * 3600
"""How long an accepted loss is kept, in seconds, so that all servers notice it."""

SAME = """
SELECT id, mark, hosts FROM organisations
WHERE id IN (SELECT value FROM json_each(?)) AND id NOT IN (SELECT organisation FROM losses)
"""

KEEP = """
INSERT INTO organisations VALUES (:id, :hosts, :hosts_line, :plugins, :content, :mark, :now)
ON CONFLICT (id) DO UPDATE SET hosts = :hosts, hosts_line = :hosts_line, plugins = :plugins,
    content = :content, mark = :mark, recorded_at = :now
"""


LOSE = """
INSERT INTO losses VALUES (?, ?, ?)
ON CONFLICT (organisation) DO UPDATE
    SET is_accepted = max(is_accepted, excluded.is_accepted), at = excluded.at
"""
"""Records a loss. A server that applies an accepted loss must not reset ``is_accepted``."""

REFUSE = """
INSERT OR IGNORE INTO losses SELECT id, 0, ? FROM organisations WHERE id IN (SELECT value FROM json_each(?))
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A version in service, in the form that the record stores.

    Attributes:
        version: the version.
        granted: the hosts that it gets.
        refused: the hosts that it claims but does not get.
        owners: the claims of the organisations that have these hosts.
    """

    version: Version
    granted: tuple[str, ...]
    refused: tuple[str, ...] = ()
    owners: tuple[Claim, ...] = ()


class TenantRecord:
    """The record of one server. All methods may be called from any thread and by several processes.

    If the record is unusable, reading methods return what they would without a record. `problem` reports it.

    Args:
        path: the path of the file. The first write creates it.
        sealing: encrypts the content of the organisations' files.
        loss_window_s: see `losses.LOSS_WINDOW_S`.
        timeout_s: see `record_file.TIMEOUT_S`.
    """

    def __init__(
        self,
        path: Path,
        sealing: Sealing,
        *,
        loss_window_s: float = LOSS_WINDOW_S,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.loss_window_s = loss_window_s
        self._file = RecordFile(path, timeout_s)
        self._sealing = sealing
        self._latest = 0.0

    def problem(self) -> Problem | None:
        """Return the problem of the last attempts to read or write the record, or None."""
        if self._file.reason is None:
            return None
        message = f"the record of the organisations cannot be used: {self._file.reason}"
        remedy = (
            "run the server and the command line as the same user, who alone may write the file; "
            "or bring back each organisation's file that is missing, and then move this one away: the server "
            "makes another one, which contains only the organisations whose files are there"
        )
        return Problem(self._file.path, 1, "record_unusable", message, remedy)

    def has_changed(self) -> bool:
        """Whether the file changed since the last call, or became readable again."""
        return self._file.has_changed()

    def has_gone_back(self) -> bool:
        """Whether the newest version is older than at the last call: the record's file was replaced."""
        query = "SELECT max(recorded_at) FROM organisations"
        before = self._latest
        self._latest = self._file.read(lambda db: db.execute(query).fetchone()[0], None) or 0.0
        return self._latest < before

    def ids_except(self, known: Container[str]) -> frozenset[str]:
        """Return the ids of the recorded organisations in service, without the known ones."""

        def read(db: sqlite3.Connection) -> frozenset[str]:
            found = db.execute("SELECT id FROM organisations")
            return frozenset(row[0] for row in found if row[0] not in known)

        return self._file.read(read, frozenset())

    def unknown(self, ids: Collection[str]) -> frozenset[str]:
        """Return those ids that the record does not have in service."""
        query = (
            "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM organisations WHERE id = value)"
        )
        return self._file.read(
            lambda db: frozenset(row[0] for row in db.execute(query, [_json(ids)])), frozenset(ids)
        )

    def versions(self, ids: Collection[str], directory: Path) -> dict[str, Version]:
        """Return the last good versions of some organisations, without their contents.

        Args:
            ids: the organisations' ids.
            directory: the directory of the organisations' files.
        """
        query = (
            "SELECT id, hosts, hosts_line, plugins FROM organisations "
            "WHERE id IN (SELECT value FROM json_each(?))"
        )

        def read(db: sqlite3.Connection) -> dict[str, Version]:
            return {
                name: Version(name, directory, tuple(json.loads(hosts)), line, tuple(json.loads(plugins)))
                for name, hosts, line, plugins in db.execute(query, [_json(ids)])
            }

        return self._file.read(read, {})

    def content(self, organisation_id: str) -> bytes | None:
        """Return the content of the last good version; None if there is none or it cannot be decrypted."""
        query = "SELECT content FROM organisations WHERE id = ?"
        row = self._file.read(lambda db: db.execute(query, [organisation_id]).fetchone(), None)
        return self._sealing.open(organisation_id, row[0]) if row else None

    def order(self, names: Collection[str]) -> dict[Claim, int]:
        """Return all claims to some host names. Their numbers give the order in which they were recorded."""
        query = "SELECT organisation, host, number FROM claims WHERE name IN (SELECT value FROM json_each(?))"
        return self._file.read(
            lambda db: {(row[0], row[1]): row[2] for row in db.execute(query, [_json(names)])}, {}
        )

    def losses(self) -> dict[str, bool]:
        """Return the organisations that left the service recently, and whether an operator accepted it."""
        query = """
            SELECT organisation, is_accepted FROM losses
            WHERE (is_accepted OR at > ?) AND organisation NOT IN (SELECT id FROM organisations)
        """
        values = [time.time() - self.loss_window_s]
        return self._file.read(lambda db: {row[0]: bool(row[1]) for row in db.execute(query, values)}, {})

    def refused_losses(self) -> frozenset[str]:
        """Return organisations without files that stay in service until an operator accepts their loss."""
        query = "SELECT organisation FROM losses WHERE organisation IN (SELECT id FROM organisations)"
        return self._file.read(lambda db: frozenset(row[0] for row in db.execute(query)), frozenset())

    def keep(self, kept: Collection[Kept], lost: Collection[str]) -> None:
        """Record versions in service, and organisations that have left the service.

        Args:
            kept: the versions.
            lost: the ids of the organisations that have left.

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
            RecordUnusable: nothing was recorded.
        """
        if missing - self.refused_losses():
            with self._file.writing() as db:
                db.execute(REFUSE, [time.time(), _json(missing)])

    def accept(self, lost: Collection[str]) -> None:
        """Record that an operator has accepted the loss of organisations.

        Raises:
            RecordUnusable: nothing was recorded.
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
    # Granted claims first, because the order of recording decides later disputes. The owner's own claim may
    # not be recorded yet, if its file was not read.
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
