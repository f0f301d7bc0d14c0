"""The transaction of a hot path: two round trips, and a session only for whoever asks for one.

What a `TenantSession` does around a statement (to begin, to join a transaction, to keep track of objects, to commit) takes
several times as long as the statement, which nobody notices but who has thousands of them a second. Here the beginning
goes to the server with the first statement, what can wait goes with the commit, and a hook that works with a session
gets one that is in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.errors import InvalidSqlStatementName
from psycopg.pq import TransactionStatus

from autonomy_core.db.driver import LENT, LIMIT_PATIENCE, SCOPE_TO_ORGANISATION, in_milliseconds
from autonomy_core.db.pipeline import Pipeline, Statement, Step
from autonomy_core.db.statements import insertion

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult
    from sqlalchemy.orm import SessionTransaction

    from autonomy_core.db.base import Base
    from autonomy_core.db.session import TenantSession


class NotYourTransaction(RuntimeError):
    """Somebody to whom a transaction is lent has tried to end it, or has left it unusable."""


@dataclass(frozen=True, slots=True)
class Boundaries:
    """How a transaction begins and ends, in SQL."""

    begin: Statement
    commit: Statement
    roll_back: Statement

    @classmethod
    def of(cls, begin: str, commit: str, roll_back: str) -> Boundaries:
        """Of plain statements."""
        return cls(*(Statement(text, prepare=False) for text in (begin, commit, roll_back)))


TRANSACTION = Boundaries.of("BEGIN", "COMMIT", "ROLLBACK")

HAD_FAILED = "the transaction had failed before; nothing of it is committed"

SCOPE = Statement(
    SCOPE_TO_ORGANISATION.format(organisation_id="%(organisation_id)s")
    + LIMIT_PATIENCE.format(milliseconds="%(patience)s")
    + ", set_config('idle_in_transaction_session_timeout', %(longest_pause)s, true)"
    ", set_config('plan_cache_mode', 'force_generic_plan', true)"
)


class DirectTransaction:
    """A transaction that sees one organisation's rows. It begins with the first statement.

    Args:
        pipeline: of a connection that is in no transaction.
        make_session: makes a session on this connection.
        organisation_id: whose rows it sees.
        patience_s: how long a statement of it may take, or wait for a lock.
        longest_pause_s: how long it may do nothing before PostgreSQL ends it.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        make_session: Callable[[], TenantSession],
        *,
        organisation_id: str,
        patience_s: float,
        longest_pause_s: float,
        boundaries: Boundaries = TRANSACTION,
    ) -> None:
        self._pipeline = pipeline
        self._make_session = make_session
        self._boundaries = boundaries
        self._opening = [
            boundaries.begin.with_values({}),
            SCOPE.with_values(
                {
                    "organisation_id": organisation_id,
                    "patience": in_milliseconds(patience_s),
                    "longest_pause": in_milliseconds(longest_pause_s),
                }
            ),
        ]
        self._waiting: dict[Statement, list[Mapping[str, Any]]] = {}
        self._has_begun = False
        self._session: TenantSession | None = None
        self._of_session: SessionTransaction | None = None

    def execute_directly(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute a statement now; gives its rows.

        Raises:
            psycopg.Error: the transaction is lost.
        """
        if self._session is not None:
            return self._session.execute_directly(statement, values)
        return self._pipeline.rows(self._send(statement.with_values(values))[-1])

    def execute_last(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute a statement and commit, in one round trip; gives its rows.

        Raises:
            psycopg.Error: the transaction is lost.
        """
        if self._session is not None:
            rows = self._session.execute_directly(statement, values)
            self.commit()
            return rows
        found, ended = self._send(statement.with_values(values), self._boundaries.commit.with_values({}))[-2:]
        _require_committed(ended)
        self._has_begun = False
        return self._pipeline.rows(found)

    def execute_later(self, statement: Statement, row: Mapping[str, Any]) -> None:
        """Execute a statement whose result nobody needs, at the latest with the commit, once for all rows.

        It is executed before everything that is executed later, with the other rows of its statement. Once there is a
        session, it is executed now.

        Args:
            statement: takes a list of each value, as long as there are rows.
            row: a value for each list.
        """
        if self._session is None:
            self._waiting.setdefault(statement, []).append(row)
        else:
            self._session.execute_later(statement, row)

    def add(self, row: Base) -> None:
        """Insert a new row of a model, at the latest with the commit. Errors come then."""
        if self._session is None:
            self.execute_later(*insertion(row))
        else:
            self._session.add(row)

    @property
    def session(self) -> TenantSession:
        """A session in this transaction, made when it is first asked for."""
        if self._session is None:
            if self._waiting or not self._has_begun:
                self._send()
            self._session = self._make_session()
            self._session.lent = self._pipeline.known.get(LENT, False)
            self._of_session = self._session.begin()
        return self._session

    @property
    def holds_connection(self) -> bool:
        """It has one from its beginning."""
        return True

    @property
    def lent(self) -> bool:
        """Whether it is in the hands of code that must not end it, see `lent_to_guest`."""
        return bool(self._pipeline.known.get(LENT))

    @contextmanager
    def lent_to_guest(self) -> Iterator[None]:
        """Somebody else's code works in the transaction itself; what goes wrong there undoes all of it.

        Raises:
            NotYourTransaction: it has swallowed an error of the database, or has ended the transaction.
        """
        self._lend(lent=True)
        try:
            yield
            if self._session is not None:
                self._session.flush()
        finally:
            self._lend(lent=False)
        ended = self._session is not None and self._session.get_transaction() is not self._of_session
        if ended or self._pipeline.transaction_status != TransactionStatus.INTRANS:
            raise NotYourTransaction("an error of the database was caught without a savepoint of its own")

    def commit(self) -> None:
        """Execute what waits, and commit, in one round trip.

        Raises:
            psycopg.Error: something that waited has failed, or the database does not commit.
        """
        if self._session is not None:
            self._session.flush()
            self._require_usable()
            self._session.commit()
        if self._waiting or self._is_open():
            _require_committed(self._send(self._boundaries.commit.with_values({}))[-1])

    def roll_back(self) -> None:
        """Undo everything."""
        self._waiting.clear()
        if self._session is not None:
            self._session.lent = False
            self._session.close()
        if self._is_open():
            self._pipeline.send([self._boundaries.roll_back.with_values({})])

    def _require_usable(self) -> None:
        if self._pipeline.transaction_status == TransactionStatus.INERROR:
            raise psycopg.InternalError(HAD_FAILED)

    def _is_open(self) -> bool:
        """Whether it has begun, and no session has ended it."""
        return self._has_begun and self._pipeline.transaction_status != TransactionStatus.IDLE

    def _send(self, *steps: Step) -> list[PGresult]:
        """Send what waits and these, in one round trip, with which the transaction begins if it has not."""
        waiting = [statement.with_values(columns_of(rows)) for statement, rows in self._waiting.items()]
        self._waiting.clear()
        if self._has_begun:
            return self._pipeline.send([*waiting, *steps])
        self._has_begun = True
        try:
            return self._pipeline.send([*self._opening, *waiting, *steps])
        except InvalidSqlStatementName:
            # After some errors psycopg has a connection forget all that is prepared, ours with its own.
            self._pipeline.forget_prepared()
            self.roll_back()
            return self._pipeline.send([*self._opening, *waiting, *steps])

    def _lend(self, *, lent: bool) -> None:
        self._pipeline.known[LENT] = lent
        if self._session is not None:
            self._session.lent = lent


def _require_committed(ended: PGresult) -> None:
    if ended.command_status == b"ROLLBACK":
        raise psycopg.InternalError(HAD_FAILED)


def columns_of(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, list[Any]]:
    """A list for each name, of rows that all have the same."""
    return {name: [row[name] for row in rows] for name in rows[0]}
