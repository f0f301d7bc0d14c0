"""A database for tests: one connection whose outer transaction is rolled back, or a separate database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from transaction.interfaces import ITransactionManager

from autonomy_core.db.catalogue import TRIGGER
from autonomy_core.db.database import IDLE_TIMEOUT_S, Database
from autonomy_core.db.driver import driver_of
from autonomy_core.db.driver_transaction import Boundaries, DriverTransaction
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.migrations import migrate
from autonomy_core.db.pipeline import Pipeline
from autonomy_core.db.session import TenantSession, session_within
from autonomy_core.kernel.manager import Plugins
from autonomy_core.runtime import APPLICATION_ROLE, components
from autonomy_core.testing.copies import Copies

AT_ONCE = text(f"SET CONSTRAINTS {TRIGGER} IMMEDIATE")
SAVEPOINT = Boundaries.of(
    "SAVEPOINT driver_transaction",
    "RELEASE SAVEPOINT driver_transaction",
    "ROLLBACK TO SAVEPOINT driver_transaction",
)


def make_migrated(server: EmbeddedServer, plugins: Plugins, name: str) -> str:
    """Create a migrated database; return its name."""
    server.create_database(name)
    migrate(server.url(name), components(plugins), application_role=APPLICATION_ROLE)
    return name


class SwitchedDatabase(Database):
    """A `Database` that each test redirects, so that the application is built only once.

    Args:
        server: the server of the tests.
        template: a copy of the migrated database, for `Copies`. It must have no connections.
        shared: the migrated database, for tests that are rolled back.
    """

    def __init__(self, server: EmbeddedServer, template: str, shared: str) -> None:
        super().__init__(server.url(shared, APPLICATION_ROLE), pool_size=32)
        self._server = server
        self._copies = Copies(server, template)
        # The connection stays open between tests: the first statements of a new one cost much more.
        self._single = create_engine(self.url, pool_size=1, max_overflow=0, pool_pre_ping=True)
        # All tests share the engines, because each engine compiles every statement again.
        for engine in (self.engine, self.beside, self._single):
            event.listen(engine, "do_connect", self._point)
        self._bind: Engine | Connection = self.engine

    def _point(self, _dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        parameters["dbname"] = make_url(self.url).database

    @property
    def conninfo(self) -> str:
        """The address of the test's database, for workers."""
        return make_conninfo(super().conninfo, dbname=make_url(self.url).database)

    def session(
        self, organisation_id: str | None, manager: ITransactionManager | None = None
    ) -> TenantSession:
        """Return a session on the test's database. On a shared connection it commits savepoints."""
        return TenantSession(
            self._bind,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info={"organisation_id": organisation_id, "manager": manager},
        )

    @contextmanager
    def driver_transaction(
        self, organisation_id: str, *, statement_timeout_s: float, idle_timeout_s: float = IDLE_TIMEOUT_S
    ) -> Iterator[DriverTransaction]:
        """Open a driver transaction; on a shared connection it is a savepoint."""
        if isinstance(self._bind, Engine):
            limits = {"statement_timeout_s": statement_timeout_s, "idle_timeout_s": idle_timeout_s}
            with super().driver_transaction(organisation_id, **limits) as transaction:
                yield transaction
            return
        shared = self._bind
        transaction = DriverTransaction(
            Pipeline.of(driver_of(shared), shared.info),
            lambda: session_within(shared, organisation_id, join_transaction_mode="create_savepoint"),
            organisation_id=organisation_id,
            statement_timeout_s=statement_timeout_s,
            idle_timeout_s=idle_timeout_s,
            boundaries=SAVEPOINT,
        )
        try:
            yield transaction
            transaction.commit()
        except BaseException:
            transaction.roll_back()
            raise

    @contextmanager
    def connection_beside(self) -> Iterator[Connection]:
        """Open another connection. On a shared connection it is a savepoint, which sees uncommitted data."""
        if isinstance(self._bind, Engine):
            with super().connection_beside() as connection:
                yield connection
            return
        with self._bind.begin_nested() as savepoint:
            yield self._bind
            savepoint.rollback()

    def _connection(self) -> AbstractContextManager[Connection]:
        return self.connection_beside()

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        """Run the block on one connection, and roll everything back.

        Within `of_its_own` it uses that database.
        """
        self._start_generation()
        with self._single.connect() as connection:
            outer = connection.begin()
            # The commits of the test are savepoints, at which no deferred trigger runs.
            connection.execute(AT_ONCE)
            self._bind = connection
            try:
                yield
            finally:
                self._bind = self.engine
                outer.rollback()

    @contextmanager
    def of_its_own(self) -> Iterator[str]:
        """Run the block in a migrated database that no other test uses; yield its URL for its owner."""
        with self._copies.one() as name, self.named(name) as url:
            yield url

    @contextmanager
    def named(self, name: str) -> Iterator[str]:
        """Run the block in a database of the server; yield its URL for its owner."""
        before, bound_before = self.url, self._bind
        self._single.dispose()
        self._start_generation()
        self.url, self._bind = self._server.url(name, APPLICATION_ROLE), self.engine
        try:
            yield self._server.url(name)
        finally:
            self.dispose()
            self.url, self._bind = before, bound_before

    def dispose(self) -> None:
        """Close all idle connections."""
        super().dispose()
        self._single.dispose()
