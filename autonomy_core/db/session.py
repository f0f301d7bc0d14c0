"""Sessions: one organisation each, joined to the request's transaction where there is a request.

`zope.sqlalchemy.register` attaches its listeners to each new session, which costs more than many requests'
own work. Here they are attached once, to the class, and the manager travels in ``session.info``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from itertools import count
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import (
    Connection,
    PoolProxiedConnection,
    QueuePool,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, SessionTransaction
from transaction.interfaces import ITransactionManager
from zope.sqlalchemy import ZopeTransactionEvents

from autonomy_core.db.direct import DirectTransaction, NotYourTransaction
from autonomy_core.db.driver import LENT, begin_scoped, driver_of, driver_of_pooled, execute
from autonomy_core.db.engines import make_engine
from autonomy_core.db.pipeline import Pipeline, Statement
from autonomy_core.db.probe import ANSWER_WITHIN_S, Probe, T, make_interruptible
from autonomy_core.errors import AutonomyError

LONGEST_STATEMENT_S = 60
"""So long a statement may take, or wait for a lock."""

LONGEST_PAUSE_S = 300
"""So long a transaction may do nothing: whoever hangs in it, a plugin for example, holds its locks no longer."""

LIMITS = {
    "statement_timeout": LONGEST_STATEMENT_S,
    "idle_in_transaction_session_timeout": LONGEST_PAUSE_S,
}

_COMMITS = re.compile(r"\s*(?:COMMIT|END)\b", re.IGNORECASE)


IS_COPY = text("SELECT EXISTS (SELECT FROM restorations WHERE activated_at IS NULL)")
"""Whether the database was restored from a backup and has not been activated since."""


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


def _refuse_when_lent(connection: Connection) -> None:
    if connection.info.get(LENT):
        raise NotYourTransaction("a hook must not commit: that is done by whoever called it, for all hooks")


def _refuse_statement_when_lent(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    if _COMMITS.match(statement):
        _refuse_when_lent(connection)


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


class Database:
    """The engine, and the sessions made from it.

    Args:
        url: SQLAlchemy URL of the application's own role.
        pool_size: how many connections are kept, for as many threads.
        before_connect: called before each new connection, for a server that is started on demand.
    """

    def __init__(
        self, url: str, *, pool_size: int = 10, before_connect: Callable[[], None] | None = None
    ) -> None:
        self.url = url
        pool = {"pool_size": pool_size, "max_overflow": pool_size, "pool_timeout": 10}
        self.engine = make_engine(url, LIMITS, before_connect, **pool)
        event.listen(self.engine, "commit", _refuse_when_lent)
        event.listen(self.engine, "before_cursor_execute", _refuse_statement_when_lent)
        # Beside the pool, whose connections may all be in use, or hang.
        patience = {"connect_timeout": round(ANSWER_WITHIN_S)}
        pool = {"pool_size": 1, "max_overflow": 1, "pool_timeout": 1}
        self.beside = make_engine(url, LIMITS, before_connect, connect_args=patience, **pool)
        make_interruptible(self.beside)
        # By numbers and not by a flag: while one thread asks what the database is, another one may connect to a new one.
        self._connected = count()
        self._newest = self._original_since = next(self._connected)
        self._forget_what_it_is()
        event.listen(self.engine, "connect", self._forget_what_it_is)
        self._probes: dict[Callable[..., Any], Probe[Any]] = {}

    @property
    def conninfo(self) -> str:
        """The same address as libpq reads it."""
        return make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)

    def session(
        self, organisation_id: str | None, manager: ITransactionManager | None = None
    ) -> TenantSession:
        """A session for one organisation; with none it sees no tenant's rows.

        Args:
            organisation_id: whose rows it sees.
            manager: the transaction manager that commits it; without one, the caller does.
        """
        return TenantSession(
            self.engine,
            expire_on_commit=False,
            info={"organisation_id": organisation_id, "manager": manager},
        )

    @contextmanager
    def transaction(
        self, organisation_id: str | None, *, patience_s: float | None = None
    ) -> Iterator[TenantSession]:
        """A session in a transaction of its own: committed at the end, rolled back on an exception.

        Args:
            patience_s: how long a statement may take, or wait for a lock; None leaves it to the server.
        """
        with self.session(organisation_id) as session, session.begin():
            session.info["patience_s"] = patience_s
            yield session

    @contextmanager
    def direct_transaction(
        self, organisation_id: str, *, patience_s: float, longest_pause_s: float = LONGEST_PAUSE_S
    ) -> Iterator[DirectTransaction]:
        """As `transaction`, for a hot path: a session is made only for whoever asks for one.

        Args:
            patience_s: how long a statement may take, or wait for a lock.
            longest_pause_s: how long it may do nothing before PostgreSQL ends it.

        Raises:
            psycopg.Error, SQLAlchemyError: what the driver raises, and what the pool does.
        """
        with closing(self.engine.raw_connection()) as pooled:
            transaction = DirectTransaction(
                Pipeline.of(driver_of_pooled(pooled), pooled.info),
                lambda: session_within(Connection(self.engine, pooled), organisation_id),
                organisation_id=organisation_id,
                patience_s=patience_s,
                longest_pause_s=longest_pause_s,
            )
            try:
                yield transaction
                transaction.commit()
            except BaseException:
                _roll_back(transaction, pooled)
                raise

    @property
    def is_exhausted(self) -> bool:
        """Whether every connection of the pool is in use, so that whoever needs one waits."""
        pool = self.engine.pool
        return isinstance(pool, QueuePool) and pool.checkedout() >= pool.size() + pool._max_overflow  # noqa: SLF001

    def ask(self, look: Callable[..., T], *arguments: Any) -> T:
        """Run ``look(connection, *arguments)`` within two seconds, however the database hangs.

        For readiness and the like. Of one function one call runs at a time, in a thread of its own; threads that ask
        meanwhile get its outcome.

        Args:
            look: a function that reads; the same one each time, no lambda.

        Raises:
            NoAnswer: the time is over.
            SQLAlchemyError, EmbeddedServerError: the database cannot be reached.
        """
        probe: Probe[T] = self._probes.setdefault(look, Probe(self.connection_beside, look))
        return probe.ask(*arguments)

    def is_restored_copy(self, session: TenantSession | None = None) -> bool:
        """Whether the database was restored from a backup and has not been activated since.

        Args:
            session: a session that holds a connection, to ask on it. Who holds one and waits for another one may
                wait for others that do the same.

        That it is none is remembered until the next connection is made: a database cannot become a copy under a
        connection, because it must be empty to be restored.
        """
        if self._original_since != self._newest:
            with nullcontext(session.connection()) if session else self._connection() as connection:
                newest = self._newest
                if connection.scalar(IS_COPY):
                    return True
                self._original_since = newest
        return False

    def _connection(self) -> AbstractContextManager[Connection]:
        """A connection that is no organisation's; what is done on it is rolled back."""
        return self.engine.connect()

    def _forget_what_it_is(self, *_: Any) -> None:
        self._newest = next(self._connected)

    @contextmanager
    def connection_beside(self) -> Iterator[Connection]:
        """A connection that is not one of the pool's; what is done on it is rolled back."""
        with self.beside.connect() as connection:
            yield connection

    def dispose(self) -> None:
        """Close every connection that is kept."""
        self.engine.dispose()
        self.beside.dispose()


def session_within(connection: Connection, organisation_id: str | None, **options: Any) -> TenantSession:
    """A session in the transaction that a connection is in already, and that says whose rows it sees."""
    info = {"organisation_id": organisation_id, "manager": None, "is_scoped": True}
    return TenantSession(connection, expire_on_commit=False, info=info, **options)


def _roll_back(transaction: DirectTransaction, pooled: PoolProxiedConnection) -> None:
    try:
        transaction.roll_back()
    except (psycopg.Error, SQLAlchemyError):
        # It is broken; the pool makes another one.
        if pooled.is_valid:
            pooled.invalidate()


def commit_early(request: Request) -> None:
    """Commit what the request has done so far and go on in a new transaction.

    For a request that must leave a trace before it calls somebody else's server. From here on the request
    is not tried again, because its first half has happened.
    """
    request.environ["retry.attempts"] = request.environ.get("retry.attempt", 0) + 1
    commit_preparation(request)


def commit_preparation(request: Request) -> None:
    """Commit what the request has done so far and go on in a new transaction; it may still be tried again.

    For what does no harm when it happens once more, before the request's own work. Whoever waits afterwards holds no
    connection to the database.
    """
    request.tm.commit()
    request.tm.begin()


def commit_veto(request: Request, response: Response) -> bool:
    """Roll back what was refused, unless the refusal itself has something to keep."""
    error = getattr(request, "exception", None)
    if isinstance(error, AutonomyError) and error.commits:
        return False
    return response.status_int >= 400
