"""The database as a process sees it: its connections, and the transactions that are made of them."""

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

from autonomy_core.db.driver import driver_of_pooled
from autonomy_core.db.driver_transaction import DirectTransaction
from autonomy_core.db.engines import make_engine
from autonomy_core.db.pipeline import Pipeline
from autonomy_core.db.probe import ANSWER_WITHIN_S, Probe, T, make_interruptible
from autonomy_core.db.session import (
    TenantSession,
    refuse_statement_when_lent,
    refuse_when_lent,
    session_within,
)

LONGEST_STATEMENT_S = 60
"""So long a statement may take, or wait for a lock."""

LONGEST_PAUSE_S = 300
"""So long a transaction may do nothing: whoever hangs in it, a plugin for example, holds its locks no longer."""

LIMITS = {
    "statement_timeout": LONGEST_STATEMENT_S,
    "idle_in_transaction_session_timeout": LONGEST_PAUSE_S,
}

IS_COPY = text("SELECT EXISTS (SELECT FROM restorations WHERE activated_at IS NULL)")
"""Whether the database was restored from a backup and has not been activated since."""


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
        event.listen(self.engine, "commit", refuse_when_lent)
        event.listen(self.engine, "before_cursor_execute", refuse_statement_when_lent)
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
        """The same address as libpq reads it, with the same limits."""
        # Not as a URL: libpq takes no blank in it, and quotes the password when it says so.
        _, parameters = self.engine.dialect.create_connect_args(self.engine.url)
        return make_conninfo(**{name: value for name, value in parameters.items() if name != "context"})

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

    def is_restored_copy(self, holding: TenantSession | DirectTransaction | None = None) -> bool:
        """Whether the database was restored from a backup and has not been activated since.

        Args:
            holding: what holds a connection, to ask on it. Who holds one and waits for another one may
                wait for others that do the same.

        That it is none is remembered until the next connection is made: a database cannot become a copy under a
        connection, because it must be empty to be restored.
        """
        if self._original_since != self._newest:
            asking = nullcontext(holding.session.connection()) if holding else self._connection()
            with asking as connection:
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


def _roll_back(transaction: DirectTransaction, pooled: PoolProxiedConnection) -> None:
    try:
        transaction.roll_back()
    except (psycopg.Error, SQLAlchemyError):
        # It is broken; the pool makes another one.
        if pooled.is_valid:
            pooled.invalidate()
