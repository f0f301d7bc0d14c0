"""Sessions of one organisation each. In a request, they join its transaction.

`zope.sqlalchemy.register` adds its listeners to each new session, which costs more than many requests' own
work. Here the listeners are added once, to the class, and ``session.info`` carries the transaction manager.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, with_loader_criteria
from sqlalchemy.orm.util import LoaderCriteriaOption
from zope.sqlalchemy import ZopeTransactionEvents

from autonomy_core.db.base import OrganisationScoped
from autonomy_core.db.commit_guard import (
    COMMIT_FORBIDDEN,
    SPOILT,
    NotYourTransaction,
    commit_forbidden_on,
    ends_transaction,
    refuse_end,
)
from autonomy_core.db.driver import begin_scoped, driver_of, execute
from autonomy_core.db.pipeline import Statement, columns_of


class TenantSession(Session):
    """A session that sees the rows of one organisation, or of none.

    Attributes:
        commit_forbidden: True while a guest's code uses the session, such as a hook; see `forbid_commit`.
    """

    commit_forbidden = False

    def commit(self) -> None:
        """Commit.

        Raises:
            NotYourTransaction: `commit_forbidden` is set.
        """
        self._refuse_forbidden_end("commit()")
        super().commit()

    def rollback(self) -> None:
        """Roll back.

        Raises:
            NotYourTransaction: `commit_forbidden` is set.
        """
        self._refuse_forbidden_end("rollback()")
        super().rollback()

    def close(self) -> None:
        """Close.

        Raises:
            NotYourTransaction: `commit_forbidden` is set.
        """
        self._refuse_forbidden_end("close()")
        super().close()

    @property
    def holds_connection(self) -> bool:
        """Whether the transaction holds a connection. The first statement checks one out."""
        begun, _ = self.info.get("begun", (None, None))
        return begun is not None and begun is self.get_transaction()

    @property
    def session(self) -> TenantSession:
        """This session. A `DriverTransaction` has the same property and makes a session on first use."""
        return self

    def execute_at_driver(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute a statement on a hot path, in the session's transaction, after a flush.

        Args:
            statement: the statement.
            values: the values of its placeholders, by name.

        Raises:
            NotYourTransaction: the statement would end the transaction, and `commit_forbidden` is set.
            psycopg.Error: see `autonomy_core.db.driver.execute`.
        """
        if not self._flushing:
            self.flush()  # the statement may read or refer to rows that are not written yet
        if self.commit_forbidden and ends_transaction(statement.text.decode()):
            refuse_end("this statement")
        begun, connection = self.info.get("begun", (None, None))
        # Only Session.connection() creates a pending savepoint, which it does lazily.
        if self.in_nested_transaction() or begun is None or begun is not self.get_transaction():
            connection = self.connection()
        return execute(connection, statement, values)

    def execute_last(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute the last statement. A `DriverTransaction` sends it together with the commit."""
        return self.execute_at_driver(statement, values)

    def execute_later(self, statement: Statement, row: Mapping[str, Any]) -> None:
        """Execute a statement. A `DriverTransaction` delays it until the commit."""
        self.execute_at_driver(statement, columns_of([row]))

    @contextmanager
    def forbid_commit(self) -> Iterator[None]:
        """A savepoint around a guest's code, such as a hook. It keeps the transaction usable for the caller.

        Raises:
            NotYourTransaction: the code tried to end the transaction, or caught a database error, so that
                its work is lost.
        """
        before = self.commit_forbidden
        with self.begin_nested() as savepoint:
            try:
                with commit_forbidden_on(self.connection().info):
                    self.commit_forbidden = True
                    yield
                    if savepoint.is_active:
                        self.flush()
            finally:
                self.commit_forbidden = before
            # Inside the block: PostgreSQL can roll back to a savepoint that it cannot release.
            if not savepoint.is_active or not _is_usable(self.connection()):
                raise NotYourTransaction(SPOILT)

    def _refuse_forbidden_end(self, what: str) -> None:
        if self.commit_forbidden:
            refuse_end(what)


def refuse_forbidden_commit(connection: Connection) -> None:
    """Listener of the engine's ``commit`` event: refuse a commit on a connection where it is forbidden.

    Raises:
        NotYourTransaction: a guest's code uses the connection.
    """
    if connection.info.get(COMMIT_FORBIDDEN):
        refuse_end("this commit")


def refuse_forbidden_statement(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    """Listener of ``before_cursor_execute``: refuse SQL that ends the transaction of a guest's caller."""
    if connection.info.get(COMMIT_FORBIDDEN) and ends_transaction(statement):
        refuse_end("this statement")


def _is_usable(connection: Connection) -> bool:
    """Whether the connection is in a transaction that has not failed."""
    return driver_of(connection).pgconn.transaction_status == TransactionStatus.INTRANS


@event.listens_for(TenantSession, "after_begin")
def _join_and_scope(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if transaction.nested:
        return
    # Cached for `execute_at_driver`: Session.connection() takes longer than the statement.
    session.info["begun"] = (transaction, connection)
    manager = session.info["manager"]
    if manager is not None:
        # "changed": also commit after statements of SQLAlchemy Core, which the unit of work does not see.
        ZopeTransactionEvents("changed", manager, keep_session=True).join_transaction(session)
    if not session.info.get("is_scoped"):
        begin_scoped(connection, session.info["organisation_id"], session.info.get("statement_timeout_s"))


@event.listens_for(TenantSession, "do_orm_execute")
def _name_the_organisation(state: ORMExecuteState) -> None:
    """Add the organisation to a statement's conditions, for every model in it: see docs/decisions/0040."""
    organisation_id = state.session.info["organisation_id"]
    if organisation_id is not None and (state.is_select or state.is_update or state.is_delete):
        state.statement = state.statement.options(_rows_of(organisation_id))


@lru_cache(1024)
def _rows_of(organisation_id: str) -> LoaderCriteriaOption:
    """Also for aliases and in subqueries. Loads of relationships and of columns inherit it."""
    return with_loader_criteria(
        OrganisationScoped, lambda model: model.organisation_id == organisation_id, include_aliases=True
    )


def session_within(connection: Connection, organisation_id: str | None, **options: Any) -> TenantSession:
    """A session in the running transaction of a connection, whose organisation is already set.

    Args:
        connection: the connection.
        organisation_id: the organisation of its transaction.
        options: further arguments of `Session`.
    """
    info = {"organisation_id": organisation_id, "manager": None, "is_scoped": True}
    return TenantSession(connection, expire_on_commit=False, info=info, **options)
