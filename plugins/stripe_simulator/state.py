"""The ledger: the simulator's data, as JSON documents in SQLite.

It is in memory unless a file is named. Each commit writes to the file, so that a killed simulator continues
where it was. The file is not synced to disk, because a loss of the machine does not matter here.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "account",
    "balance_transaction",
    "product",
    "price",
    "payment_method",
    "session",
    "payment_intent",
    "charge",
    "refund",
    "dispute",
    "event",
    "endpoint",
    "delivery",
    "idempotency",
]

Operator = Literal["=", "<", "<=", ">", ">=", "GLOB", "IN", "NOT IN"]

TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS records (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    account TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS records_by_account ON records (kind, account, position);
CREATE INDEX IF NOT EXISTS records_by_status ON records (kind, json_extract(body, '$.status'));
CREATE INDEX IF NOT EXISTS records_by_event ON records (kind, json_extract(body, '$.event'));
CREATE INDEX IF NOT EXISTS records_by_intent ON records (kind, json_extract(body, '$.payment_intent'));
"""

UNDELIVERED = """
SELECT DISTINCT json_extract(body, '$.event') FROM records AS missed
WHERE kind = 'delivery' AND json_extract(body, '$.status') IN ('pending', 'failed') AND account = ?
AND NOT EXISTS (
    SELECT 1 FROM records AS made
    WHERE made.kind = 'delivery' AND json_extract(made.body, '$.event') = json_extract(missed.body, '$.event')
    AND json_extract(made.body, '$.endpoint') = json_extract(missed.body, '$.endpoint')
    AND json_extract(made.body, '$.status') = 'delivered'
)
"""
"""The events of an account that at least one endpoint did not receive: pending deliveries and failed ones."""


@dataclass
class Record:
    """One document, and its account."""

    kind: Kind
    id: str
    account: str
    body: dict[str, Any]
    position: int = 0


@dataclass(frozen=True)
class Condition:
    """A condition on a ``member`` of a document.

    ``IN`` and ``NOT IN`` take a list, ``GLOB`` a pattern with ``*``.
    """

    member: str
    operator: Operator
    value: Any

    @property
    def sql(self) -> str:
        """The condition in SQL, with one placeholder, for ``bound``."""
        placeholder = "(SELECT value FROM json_each(?))" if self.operator.endswith("IN") else "?"
        return f"json_extract(body, '$.{self.member}') {self.operator} {placeholder}"

    @property
    def bound(self) -> Any:
        """The value for the placeholder."""
        return json.dumps(self.value) if self.operator.endswith("IN") else self.value


class Ledger:
    """Documents by kind, id and account. Every use is a transaction, and transactions are sequential.

    Attributes:
        live_accounts: the accounts whose documents have ``livemode`` set.
    """

    def __init__(self, path: str = ":memory:") -> None:
        """Open the ledger at ``path``; raises ``sqlite3.Error`` if it is not a usable file."""
        self.live_accounts: set[str] = set()
        self.lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.executescript(TABLES)

    def close(self) -> None:
        """Close the file; the ledger cannot be used afterwards."""
        with self.lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in a transaction: it commits, or rolls back after an exception."""
        with self.lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def put(self, kind: Kind, identifier: str, account: str, body: dict[str, Any]) -> Record:
        """Write a new document, or a new version of an old one, and return it."""
        if account in self.live_accounts and "livemode" in body:
            # In place, because the caller continues to use the document.
            body["livemode"] = True
        with self.transaction():
            self._connection.execute(
                "INSERT INTO records (kind, id, account, body) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                (kind, identifier, account, json.dumps(body)),
            )
        return Record(kind, identifier, account, body)

    def save(self, record: Record) -> None:
        """Write the changed body of ``record``."""
        self.put(record.kind, record.id, record.account, record.body)

    def remove(self, record: Record) -> None:
        """Delete ``record``."""
        with self.transaction():
            self._connection.execute(
                "DELETE FROM records WHERE kind = ? AND id = ?", (record.kind, record.id)
            )

    def get(self, kind: Kind, identifier: str, account: str | None = None) -> Record | None:
        """Return the document, or None if ``account`` does not have it."""
        found = self.find(kind, account, identifier=identifier)
        return found[0] if found else None

    def require(self, kind: Kind, identifier: str) -> Record:
        """Return a document that must exist; raises LookupError otherwise."""
        record = self.get(kind, identifier)
        if record is None:
            raise LookupError(f"{kind} {identifier}")
        return record

    def find(
        self,
        kind: Kind,
        account: str | None = None,
        *,
        identifier: str | None = None,
        older_than: int | None = None,
        newer_than: int | None = None,
        limit: int = -1,
        where: Sequence[Condition] = (),
        **values: Any,
    ) -> list[Record]:
        """Return documents, newest first, whose body has all of ``values`` and satisfies ``where``.

        ``older_than`` and ``newer_than`` are positions; ``newer_than`` selects the nearest ``limit``.
        """
        equal = [Condition(name, "=", value) for name, value in values.items()]
        conditions = [
            ("kind = ?", kind),
            ("account = ?", account),
            ("id = ?", identifier),
            ("position < ?", older_than),
            ("position > ?", newer_than),
            *((condition.sql, condition.bound) for condition in (*equal, *where)),
        ]
        given = [(text, value) for text, value in conditions if value is not None]
        direction = "DESC" if newer_than is None else "ASC"
        # Only text of this module and the callers' literal names become SQL; values are bound.
        conditions_sql = " AND ".join(text for text, _ in given)
        statement = (
            f"SELECT kind, id, account, body, position FROM records WHERE {conditions_sql}"  # noqa: S608
            f" ORDER BY position {direction} LIMIT ?"
        )
        with self.lock:
            rows = self._connection.execute(statement, [*(value for _, value in given), limit]).fetchall()
        found = [
            Record(kind, identifier, of, json.loads(body), position)
            for kind, identifier, of, body, position in rows
        ]
        return found if newer_than is None else found[::-1]

    def undelivered(self, account: str) -> list[str]:
        """Return the ids of events with a pending or failed delivery."""
        with self.lock:
            return [row[0] for row in self._connection.execute(UNDELIVERED, (account,))]
