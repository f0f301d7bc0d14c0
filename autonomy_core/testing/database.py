"""A database for tests: one connection whose outer transaction is rolled back, or a database of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, make_url
from transaction.interfaces import ITransactionManager

from autonomy_core.db.database import LONGEST_PAUSE_S, Database
from autonomy_core.db.driver import driver_of
from autonomy_core.db.driver_transaction import Boundaries, DirectTransaction
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.migrations import migrate
from autonomy_core.db.pipeline import Pipeline
from autonomy_core.db.session import TenantSession, session_within
from autonomy_core.kernel.manager import Plugins
from autonomy_core.runtime import APPLICATION_ROLE, components

SAVEPOINT = Boundaries.of("SAVEPOINT direct", "RELEASE SAVEPOINT direct", "ROLLBACK TO SAVEPOINT direct")


def make_template(server: EmbeddedServer, plugins: Plugins, name: str) -> str:
    """Make a migrated database, to be copied or rolled back to; gives its name."""
    server.create_database(name)
    migrate(server.url(name), components(plugins), application_role=APPLICATION_ROLE)
    return name


class SwitchedDatabase(Database):
    """A `Database` that each test points somewhere else, so that the application is made only once."""

    def __init__(self, server: EmbeddedServer, template: str) -> None:
        super().__init__(server.url(template, APPLICATION_ROLE), pool_size=32)
        self._server = server
        self._template = template
        self._single = create_engine(self.url, poolclass=NullPool)
        # One engine for all tests, since each would compile every statement anew.
        for engine in (self.engine, self.beside, self._single):
            event.listen(engine, "do_connect", self._point)
        self._bind: Engine | Connection = self.engine

    def _point(self, _dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        parameters["dbname"] = make_url(self.url).database

    @property
    def conninfo(self) -> str:
        """The address of the database that the test points at, for workers."""
        return make_conninfo(super().conninfo, dbname=make_url(self.url).database)

    def session(
        self, organisation_id: str | None, manager: ITransactionManager | None = None
    ) -> TenantSession:
        """A session on what the test points at; on a shared connection it commits savepoints."""
        return TenantSession(
            self._bind,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info={"organisation_id": organisation_id, "manager": manager},
        )

    @contextmanager
    def direct_transaction(
        self, organisation_id: str, *, patience_s: float, longest_pause_s: float = LONGEST_PAUSE_S
    ) -> Iterator[DirectTransaction]:
        """On a shared connection, a savepoint."""
        if isinstance(self._bind, Engine):
            limits = {"patience_s": patience_s, "longest_pause_s": longest_pause_s}
            with super().direct_transaction(organisation_id, **limits) as transaction:
                yield transaction
            return
        shared = self._bind
        transaction = DirectTransaction(
            Pipeline.of(driver_of(shared), shared.info),
            lambda: session_within(shared, organisation_id, join_transaction_mode="create_savepoint"),
            organisation_id=organisation_id,
            patience_s=patience_s,
            longest_pause_s=longest_pause_s,
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
        """On a shared connection, a savepoint of it, which sees what is not committed."""
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
        """Everything happens on one connection, and is undone at the end. Within `of_its_own`, on that database."""
        self._forget_what_it_is()
        with self._single.connect() as connection:
            outer = connection.begin()
            self._bind = connection
            try:
                yield
            finally:
                self._bind = self.engine
                outer.rollback()

    @contextmanager
    def of_its_own(self, name: str) -> Iterator[str]:
        """Everything happens in a new copy of the migrated database; gives the copy's URL for its owner."""
        before, bound_before = self.url, self._bind
        self._server.create_database(name, template=self._template)
        self._forget_what_it_is()
        self.url, self._bind = self._server.url(name, APPLICATION_ROLE), self.engine
        try:
            yield self._server.url(name)
        finally:
            self.dispose()
            self.url, self._bind = before, bound_before
            self._server.drop_database(name)
