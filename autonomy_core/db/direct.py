"""The transaction of a hot path: two round trips, and a session only for whoever asks for one.

What a `TenantSession` does around a statement (to begin, to join a transaction, to keep track of objects, to commit) takes
several times as long as the statement, which nobody notices but who has thousands of them a second. Here the beginning
goes to the server with the first statement, what can wait goes with the commit, and a hook that works with a session
gets one that is in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.errors import InvalidSqlStatementName
from psycopg.pq import TransactionStatus

from autonomy_core.db.driver import Direct, Statement, scoping

if TYPE_CHECKING:
    from sqlalchemy.orm import SessionTransaction

    from autonomy_core.db.session import TenantSession


class NotYourTransaction(RuntimeError):
    """Somebody to whom a transaction is lent has tried to end it, or has left it unusable."""


@dataclass(frozen=True, slots=True)
class Boundaries:
    """How a transaction begins and ends, in SQL."""

    begin: bytes = b"BEGIN"
    commit: bytes = b"COMMIT"
    roll_back: bytes = b"ROLLBACK"


class DirectTransaction:
    """A transaction that sees one organisation's rows. It begins with the first statement.

    Args:
        driver: an open connection, in no transaction.
        known: what the pool keeps of this connection for as long as it is open.
        make_session: makes a session on this connection.
        organisation_id, patience_s: as `autonomy_core.db.driver.begin_scoped` explains them.
    """

    def __init__(
        self,
        driver: psycopg.Connection[Any],
        known: dict[str, Any],
        make_session: Callable[[], TenantSession],
        *,
        organisation_id: str | None,
        patience_s: float | None = None,
        boundaries: Boundaries = Boundaries(),  # noqa: B008 - it is immutable
    ) -> None:
        self._connection = Direct.of(driver, known)
        self._make_session = make_session
        self._boundaries = boundaries
        self._opening: bytes | None = (
            boundaries.begin + b";" + scoping(driver, organisation_id, patience_s).encode() + b";"
        )
        self._waiting: list[bytes] = []
        self._session: TenantSession | None = None
        self._begun: SessionTransaction | None = None
        self._lent = False

    def execute_directly(self, statement: Statement, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Execute a statement now; gives its first row, if it has any.

        Raises:
            psycopg.Error: the transaction is lost.
        """
        self._catch_up()
        opening = self._opening
        try:
            result = self._send(statement.bound(self._connection, values))
        except InvalidSqlStatementName:
            # After some errors psycopg has a connection forget all that is prepared, ours with its own.
            self._connection.prepared.clear()
            if opening is None:
                raise
            self.roll_back()
            self._opening = opening
            result = self._send(statement.bound(self._connection, values))
        return self._connection.first_row(result)

    def execute_later(self, statement: Statement, values: Mapping[str, Any]) -> None:
        """Execute a statement whose result nobody needs, at the latest with the commit.

        It is executed before everything that is asked for later. Once there is a session, it is executed now.
        """
        if self._session is not None:
            self._session.flush()  # what it refers to may be as new as this
        self._waiting.append(statement.bound(self._connection, values))
        if self._session is not None:
            self._catch_up()

    @property
    def session(self) -> TenantSession:
        """A session in this transaction, made when it is first asked for."""
        if self._session is None:
            self._catch_up()
            if self._opening is not None:
                self._send(b"SELECT")
            self._session = self._make_session()
            self._session.lent = self._lent
            self._begun = self._session.begin()
        return self._session

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
        ended = self._session is not None and self._session.get_transaction() is not self._begun
        if ended or self._status != TransactionStatus.INTRANS:
            raise NotYourTransaction("an error of the database was caught without a savepoint of its own")

    def commit(self) -> None:
        """Execute what waits, and commit, in one round trip.

        Raises:
            psycopg.Error: something that waited has failed, or the database does not commit.
        """
        if self._session is not None:
            self._session.commit()
        if self._is_open():
            ended = self._send(b";".join([*self._waiting, self._boundaries.commit]))
            if ended.command_status == b"ROLLBACK":
                raise psycopg.InternalError("the transaction had failed before, and was rolled back")

    def roll_back(self) -> None:
        """Undo everything."""
        if self._session is not None:
            self._session.lent = False
            self._session.close()
        if self._is_open():
            self._waiting.clear()
            self._send(self._boundaries.roll_back)

    def _is_open(self) -> bool:
        """Whether something was executed, or waits, and no session has ended the transaction."""
        if self._opening is not None:
            return bool(self._waiting)
        return self._status != TransactionStatus.IDLE

    @property
    def _status(self) -> TransactionStatus:
        return TransactionStatus(self._connection.pgconn.transaction_status)

    def _catch_up(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._send(b";".join(waiting))

    def _send(self, text: bytes) -> Any:
        opening, self._opening = self._opening or b"", None
        return self._connection.send(opening + text)

    def _lend(self, *, lent: bool) -> None:
        self._lent = lent
        if self._session is not None:
            self._session.lent = lent
