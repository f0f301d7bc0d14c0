"""Sessions: one organisation each, joined to the request's transaction where there is a request.

`zope.sqlalchemy.register` attaches its listeners to each new session, which costs more than many requests'
own work. Here they are attached once, to the class, and the manager travels in ``session.info``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction
from zope.sqlalchemy import ZopeTransactionEvents

from autonomy_core.db.driver import LENT, begin_scoped, driver_of, execute
from autonomy_core.db.driver_transaction import NotYourTransaction, columns_of
from autonomy_core.db.pipeline import Statement

_COMMITS = re.compile(r"\s*(?:COMMIT|END)\b", re.IGNORECASE)


class TenantSession(Session):
    """A session that sees one organisation's rows, or none at all.

    Attributes:
        lent: whether it is in the hands of code that must not end the transaction, see `savepoint_for_guest`.
    """

    lent = False

    def commit(self) -> None:
        """Commit, unless the session is lent."""
        self._refuse_when_lent("commit")
        super().commit()

    def rollback(self) -> None:
        """Roll back, unless the session is lent."""
        self._refuse_when_lent("rollback")
        super().rollback()

    def close(self) -> None:
        """Close, unless the session is lent."""
        self._refuse_when_lent("close")
        super().close()

    @property
    def holds_connection(self) -> bool:
        """Whether its transaction has a connection already: one is taken with the first statement."""
        begun, _ = self.info.get("begun", (None, None))
        return begun is not None and begun is self.get_transaction()

    @property
    def session(self) -> TenantSession:
        """Itself; a `DirectTransaction` makes one when it is asked for."""
        return self

    def execute_directly(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute a statement of a hot path in the session's transaction; see `autonomy_core.db.driver.execute`."""
        begun, connection = self.info.get("begun", (None, None))
        # It is the session that makes a savepoint, and not before something is to be done within it.
        if self.in_nested_transaction() or begun is None or begun is not self.get_transaction():
            connection = self.connection()
        return execute(connection, statement, values)

    def execute_last(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute a statement with which a `DirectTransaction` would commit."""
        return self.execute_directly(statement, values)

    def execute_later(self, statement: Statement, row: Mapping[str, Any]) -> None:
        """Execute a statement now that a `DirectTransaction` would execute with its commit."""
        self.flush()  # what it refers to may be as new as this
        self.execute_directly(statement, columns_of([row]))

    def _refuse_when_lent(self, what: str) -> None:
        if self.lent:
            raise NotYourTransaction(
                f"{what}() would end the transaction of whoever called the hook; "
                "to undo a part of your own, use session.begin_nested()"
            )


@contextmanager
def savepoint_for_guest(session: TenantSession) -> Iterator[None]:
    """A savepoint for somebody else's code, after which the transaction goes on, whatever that code did.

    Raises:
        NotYourTransaction: it has swallowed an error of the database, and its work is lost; or it has tried
            to end the transaction.
    """
    with session.begin_nested() as savepoint:
        known = session.connection().info
        session.lent = known[LENT] = True
        try:
            yield
            if savepoint.is_active:
                session.flush()
        finally:
            session.lent = known[LENT] = False
        # Within the block, because a savepoint that cannot be released can still be rolled back to.
        if not savepoint.is_active or _is_aborted(session.connection()):
            raise NotYourTransaction(
                "an error of the database was caught without a savepoint of its own, which undoes everything "
                "that was done; put what may fail into session.begin_nested()"
            )


def refuse_when_lent(connection: Connection) -> None:
    """Refuse a commit on a connection whose session is lent; for the engine's event.

    Raises:
        NotYourTransaction
    """
    if connection.info.get(LENT):
        raise NotYourTransaction("a hook must not commit: that is done by whoever called it, for all hooks")


def refuse_statement_when_lent(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    """Refuse a statement that would commit on such a connection. Errors as `refuse_when_lent`."""
    if _COMMITS.match(statement):
        refuse_when_lent(connection)


def _is_aborted(connection: Connection) -> bool:
    return driver_of(connection).pgconn.transaction_status == TransactionStatus.INERROR


@event.listens_for(TenantSession, "after_begin")
def _join_and_scope(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if transaction.nested:
        return
    # For `execute_directly`: to ask the session for it each time takes longer than the statement.
    session.info["begun"] = (transaction, connection)
    manager = session.info["manager"]
    if manager is not None:
        # "changed": Core statements are committed as well, and not only what the unit of work has seen.
        ZopeTransactionEvents("changed", manager, keep_session=True).join_transaction(session)
    if not session.info.get("is_scoped"):
        begin_scoped(connection, session.info["organisation_id"], session.info.get("patience_s"))


def session_within(connection: Connection, organisation_id: str | None, **options: Any) -> TenantSession:
    """A session in the transaction that a connection is in already, and that says whose rows it sees."""
    info = {"organisation_id": organisation_id, "manager": None, "is_scoped": True}
    return TenantSession(connection, expire_on_commit=False, info=info, **options)
