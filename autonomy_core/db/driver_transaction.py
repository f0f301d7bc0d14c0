"""A transaction for hot paths: two round trips, and a session only if the code uses one.

The work of a `TenantSession` around a statement takes several times as long as the statement: beginning,
joining a transaction, tracking objects, committing. That matters at thousands of statements per second. Here,
BEGIN is sent with the first statement, and statements without results are sent with the commit. A hook that
uses a session gets one in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.errors import InvalidSqlStatementName
from psycopg.pq import TransactionStatus

from autonomy_core.db.commit_guard import (
    COMMIT_FORBIDDEN,
    SPOILT,
    NotYourTransaction,
    commit_forbidden_on,
    ends_transaction,
    refuse_end,
)
from autonomy_core.db.driver import LIMIT_STATEMENT, SCOPE_TO_ORGANISATION, in_milliseconds
from autonomy_core.db.insertion import insertion
from autonomy_core.db.pipeline import Pipeline, Statement, Step, columns_of

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult
    from sqlalchemy.orm import SessionTransaction

    from autonomy_core.db.base import Base
    from autonomy_core.db.session import TenantSession


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The SQL statements that begin and end a transaction."""

    begin: Statement
    commit: Statement
    roll_back: Statement

    @classmethod
    def of(cls, begin: str, commit: str, roll_back: str) -> Boundaries:
        """Create it from SQL text."""
        return cls(*(Statement(text, prepare=False) for text in (begin, commit, roll_back)))


TRANSACTION = Boundaries.of("BEGIN", "COMMIT", "ROLLBACK")

HAD_FAILED = "the transaction had failed before; nothing of it is committed"

SCOPE = Statement(
    SCOPE_TO_ORGANISATION.format(organisation_id="%(organisation_id)s")
    + LIMIT_STATEMENT.format(milliseconds="%(statement_timeout)s")
    + ", set_config('idle_in_transaction_session_timeout', %(idle_timeout)s, true)"
    ", set_config('plan_cache_mode', 'force_generic_plan', true)"
)


class DriverTransaction:
    """A transaction that sees one organisation's rows. The first statement begins it.

    Args:
        pipeline: the pipeline of a connection that is in no transaction.
        make_session: makes a session on this connection.
        organisation_id: the organisation whose rows it sees.
        statement_timeout_s: the limit of each statement, including waits for locks, in seconds.
        idle_timeout_s: the limit of idle time in the transaction, in seconds.
        boundaries: the SQL statements that begin and end it.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        make_session: Callable[[], TenantSession],
        *,
        organisation_id: str,
        statement_timeout_s: float,
        idle_timeout_s: float,
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
                    "statement_timeout": in_milliseconds(statement_timeout_s),
                    "idle_timeout": in_milliseconds(idle_timeout_s),
                }
            ),
        ]
        self._waiting: dict[Statement, list[Mapping[str, Any]]] = {}
        self._has_begun = False
        self._session: TenantSession | None = None
        self._of_session: SessionTransaction | None = None

    def execute_at_driver(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute a statement now and return its rows.

        Args:
            statement: the statement.
            values: the values of its placeholders, by name.

        Raises:
            psycopg.Error: the statement failed. The transaction can only be rolled back.
        """
        if self._session is not None:
            return self._session.execute_at_driver(statement, values)
        return self._pipeline.rows(self._send(statement.with_values(values))[-1])

    def execute_last(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute a statement and commit, in one round trip, and return its rows.

        If commits are forbidden, it only executes the statement.

        Args:
            statement: the statement.
            values: the values of its placeholders, by name.

        Raises:
            psycopg.Error: the statement or the commit failed. The transaction can only be rolled back.
        """
        if self.commit_forbidden:
            return self.execute_at_driver(statement, values)
        if self._session is not None:
            rows = self._session.execute_at_driver(statement, values)
            self.commit()
            return rows
        found, ended = self._send(statement.with_values(values), self._boundaries.commit.with_values({}))[-2:]
        _require_committed(ended)
        self._has_begun = False
        return self._pipeline.rows(found)

    def execute_later(self, statement: Statement, row: Mapping[str, Any]) -> None:
        """Execute a statement without a result, once for all its rows, at the latest with the commit.

        It is executed before any later statement, and immediately if there is a session.

        Args:
            statement: a statement whose placeholders take lists, with one element for each row.
            row: the values of one row, by placeholder.
        """
        if self._session is None:
            self._waiting.setdefault(statement, []).append(row)
        else:
            self._session.execute_later(statement, row)

    def add(self, row: Base) -> None:
        """Insert a new row of a model with its current values, at the latest with the commit.

        If the row needs more than an INSERT, it is added to a session; see `insertion`.
        """
        plain = insertion(row) if self._session is None else None
        if plain is None:
            self.session.add(row)
        else:
            self.execute_later(*plain)

    @property
    def session(self) -> TenantSession:
        """A session in this transaction, created at first use."""
        if self._session is None:
            if self._waiting or not self._has_begun:
                self._send()
            self._session = self._make_session()
            self._session.commit_forbidden = self.commit_forbidden
            self._of_session = self._session.begin()
        return self._session

    @property
    def holds_connection(self) -> bool:
        """True: the transaction holds a connection from its beginning."""
        return True

    @property
    def commit_forbidden(self) -> bool:
        """Whether a hook or other guest uses the transaction; see `forbid_commit`."""
        return bool(self._pipeline.known.get(COMMIT_FORBIDDEN))

    @contextmanager
    def forbid_commit(self) -> Iterator[None]:
        """Run a guest's code in the transaction without a savepoint: its error rolls back everything.

        Raises:
            NotYourTransaction: the code caught a database error, or ended the transaction.
        """
        before = self.commit_forbidden
        try:
            with commit_forbidden_on(self._pipeline.known):
                if self._session is not None:
                    self._session.commit_forbidden = True
                yield
                if self._session is not None:
                    self._session.flush()
        finally:
            if self._session is not None:
                self._session.commit_forbidden = before
        ended = self._session is not None and self._session.get_transaction() is not self._of_session
        if ended or (self._has_begun and self._pipeline.transaction_status != TransactionStatus.INTRANS):
            raise NotYourTransaction(SPOILT)

    def commit(self) -> None:
        """Execute delayed statements and commit, in one round trip.

        Raises:
            psycopg.Error: a delayed statement or the commit failed.
            NotYourTransaction: a commit is forbidden.
        """
        if self.commit_forbidden:
            refuse_end("commit()")
        if self._session is not None:
            self._session.flush()
            self._require_usable()
            self._session.commit()
        if self._waiting or self._is_open():
            _require_committed(self._send(self._boundaries.commit.with_values({}))[-1])
        self._has_begun = False

    def roll_back(self) -> None:
        """Roll back.

        Raises:
            NotYourTransaction: a commit is forbidden.
        """
        if self.commit_forbidden:
            refuse_end("roll_back()")
        self._waiting.clear()
        if self._session is not None:
            self._session.close()
        self._roll_back()

    def _roll_back(self) -> None:
        if self._is_open():
            self._pipeline.send([self._boundaries.roll_back.with_values({})])

    def _require_usable(self) -> None:
        if self._pipeline.transaction_status == TransactionStatus.INERROR:
            raise psycopg.InternalError(HAD_FAILED)

    def _is_open(self) -> bool:
        """Whether it has begun and no session has ended it."""
        return self._has_begun and self._pipeline.transaction_status != TransactionStatus.IDLE

    def _send(self, *steps: Step) -> list[PGresult]:
        """Send delayed statements and these in one round trip. Begin the transaction if needed."""
        waiting = [statement.with_values(columns_of(rows)) for statement, rows in self._waiting.items()]
        self._waiting.clear()
        if self.commit_forbidden:
            _refuse_ends([*waiting, *steps])
        if self._has_begun:
            return self._pipeline.send([*waiting, *steps])
        self._has_begun = True
        try:
            return self._pipeline.send([*self._opening, *waiting, *steps])
        except InvalidSqlStatementName:
            # After some errors, psycopg deallocates all prepared statements of the connection, also ours.
            self._pipeline.forget_prepared()
            self._roll_back()
            return self._pipeline.send([*self._opening, *waiting, *steps])


def _refuse_ends(steps: Sequence[Step]) -> None:
    for statement, _ in steps:
        if ends_transaction(statement.text.decode()):
            refuse_end("this statement")


def _require_committed(ended: PGresult) -> None:
    if ended.command_status == b"ROLLBACK":
        raise psycopg.InternalError(HAD_FAILED)
