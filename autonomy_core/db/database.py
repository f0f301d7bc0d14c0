"""The database of a process: its connection pools, and the transactions that use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from itertools import count
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, PoolProxiedConnection, QueuePool, event, text
from sqlalchemy.exc import SQLAlchemyError
from transaction.interfaces import ITransactionManager

from autonomy_core.db.driver import PING_AFTER_S, driver_of_pooled
from autonomy_core.db.driver_transaction import DriverTransaction
from autonomy_core.db.engines import make_engine
from autonomy_core.db.pipeline import Pipeline
from autonomy_core.db.probe import ANSWER_WITHIN_S, Probe, T, make_interruptible
from autonomy_core.db.session import (
    TenantSession,
    refuse_forbidden_commit,
    refuse_forbidden_statement,
    session_within,
)

LONGEST_STATEMENT_S = 60
"""The limit of a statement, including its waits for locks, in seconds."""

IDLE_TIMEOUT_S = 300
"""The limit of idle time in a transaction, in seconds. Then PostgreSQL ends it, which frees its locks."""

LIMITS = {
    "statement_timeout": LONGEST_STATEMENT_S,
    "idle_in_transaction_session_timeout": IDLE_TIMEOUT_S,
}

IS_COPY = text("SELECT EXISTS (SELECT FROM restorations WHERE activated_at IS NULL)")
"""Whether the database was restored from a backup and not activated since."""


class Database:
    """The engine, and the sessions and transactions made from it.

    Args:
        url: SQLAlchemy URL with the application's role.
        pool_size: the number of connections that are kept open; the same number may be added under load.
        before_connect: called before each new connection, for a server that is started on demand.
        ping_after_s: see `driver.PING_AFTER_S`.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        before_connect: Callable[[], None] | None = None,
        ping_after_s: float = PING_AFTER_S,
    ) -> None:
        self.url = url
        pool = {"pool_size": pool_size, "max_overflow": pool_size, "pool_timeout": 10}
        self.engine = make_engine(url, LIMITS, before_connect, ping_after_s=ping_after_s, **pool)
        event.listen(self.engine, "commit", refuse_forbidden_commit)
        event.listen(self.engine, "before_cursor_execute", refuse_forbidden_statement)
        # A second engine for probes, because all connections of the pool may be in use or blocked.
        limits = {"connect_timeout": round(ANSWER_WITHIN_S)}
        pool = {"pool_size": 1, "max_overflow": 1, "pool_timeout": 1}
        self.beside = make_engine(
            url, LIMITS, before_connect, ping_after_s=ping_after_s, connect_args=limits, **pool
        )
        make_interruptible(self.beside)
        # Counters instead of a flag: while one thread runs IS_COPY, another may connect to a new database.
        self._generations = count()
        self._generation = self._original_in = next(self._generations)
        self._start_generation()
        event.listen(self.engine, "connect", self._start_generation)
        self._probes: dict[Callable[..., Any], Probe[Any]] = {}

    @property
    def conninfo(self) -> str:
        """The connection string of libpq for the same server, with the same limits."""
        # Not a URL: libpq rejects blanks in URLs, and its error messages would contain the password.
        _, parameters = self.engine.dialect.create_connect_args(self.engine.url)
        return make_conninfo(**{name: value for name, value in parameters.items() if name != "context"})

    def session(
        self, organisation_id: str | None, manager: ITransactionManager | None = None
    ) -> TenantSession:
        """Make a session for one organisation.

        Args:
            organisation_id: the organisation whose rows it sees; with None, it sees no tenant's rows.
            manager: the transaction manager that commits it; without one, the caller commits.
        """
        return TenantSession(
            self.engine,
            expire_on_commit=False,
            info={"organisation_id": organisation_id, "manager": manager},
        )

    @contextmanager
    def transaction(
        self, organisation_id: str | None, *, statement_timeout_s: float | None = None
    ) -> Iterator[TenantSession]:
        """A session in its own transaction: committed at the end, rolled back on an exception.

        Args:
            organisation_id: the organisation whose rows it sees; with None, it sees no tenant's rows.
            statement_timeout_s: the limit of each statement, including waits for locks, in seconds; None
                keeps the default.
        """
        with self.session(organisation_id) as session, session.begin():
            session.info["statement_timeout_s"] = statement_timeout_s
            yield session

    @contextmanager
    def driver_transaction(
        self, organisation_id: str, *, statement_timeout_s: float, idle_timeout_s: float = IDLE_TIMEOUT_S
    ) -> Iterator[DriverTransaction]:
        """Like `transaction`, for a hot path: a session is made only when the code asks for one.

        Args:
            organisation_id: the organisation whose rows it sees.
            statement_timeout_s: the limit of each statement, including waits for locks, in seconds.
            idle_timeout_s: the limit of idle time in the transaction, in seconds.

        Raises:
            psycopg.Error, SQLAlchemyError: errors of the driver and of the pool.
        """
        with closing(self.engine.raw_connection()) as pooled:
            transaction = DriverTransaction(
                Pipeline.of(driver_of_pooled(pooled), pooled.info),
                lambda: session_within(Connection(self.engine, pooled), organisation_id),
                organisation_id=organisation_id,
                statement_timeout_s=statement_timeout_s,
                idle_timeout_s=idle_timeout_s,
            )
            try:
                yield transaction
                transaction.commit()
            except BaseException:
                _roll_back(transaction, pooled)
                raise

    @property
    def is_exhausted(self) -> bool:
        """Whether all connections of the pool are in use, so that the next checkout has to wait."""
        pool = self.engine.pool
        if not isinstance(pool, QueuePool):
            return False
        return pool.checkedout() >= pool.size() + pool._max_overflow  # noqa: SLF001

    def ask(self, look: Callable[..., T], *arguments: Any) -> T:
        """Run ``look(connection, *arguments)`` with a deadline of two seconds, even if the database hangs.

        For readiness and similar checks. For each function, one call runs at a time, in its own thread.
        Concurrent calls get the result of the running one.

        Args:
            look: a function that only reads. Pass the same object each time, not a new lambda.
            arguments: its further arguments.

        Returns:
            The result of the function.

        Raises:
            NoAnswer: the deadline has passed.
            SQLAlchemyError, EmbeddedServerError: the database cannot be reached.
        """
        probe: Probe[T] = self._probes.setdefault(look, Probe(self.connection_beside, look))
        return probe.ask(*arguments)

    def is_restored_copy(self, holding: TenantSession | DriverTransaction | None = None) -> bool:
        """Whether the database was restored from a backup and not activated since.

        "No" is cached until the next connection is made. A database cannot become a copy while connections
        are open, because a restoration requires an empty database.

        Args:
            holding: the caller's transaction, whose connection runs the query. A caller that holds one
                connection must not wait for a second one: several such callers would block each other.
        """
        if self._original_in != self._generation:
            connecting = nullcontext(holding.session.connection()) if holding else self._connection()
            with connecting as connection:
                generation = self._generation
                if connection.scalar(IS_COPY):
                    return True
                self._original_in = generation
        return False

    def _connection(self) -> AbstractContextManager[Connection]:
        """A connection without an organisation. Its transaction is rolled back."""
        return self.engine.connect()

    def _start_generation(self, *_: Any) -> None:
        self._generation = next(self._generations)

    @contextmanager
    def connection_beside(self) -> Iterator[Connection]:
        """A connection outside of the pool. Its transaction is rolled back."""
        with self.beside.connect() as connection:
            yield connection

    def dispose(self) -> None:
        """Close all idle connections."""
        self.engine.dispose()
        self.beside.dispose()


def _roll_back(transaction: DriverTransaction, pooled: PoolProxiedConnection) -> None:
    try:
        transaction.roll_back()
    except (psycopg.Error, SQLAlchemyError):
        # The connection is broken; the pool will replace it.
        if pooled.is_valid:
            pooled.invalidate()
