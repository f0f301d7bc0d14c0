"""Alembic, one history and one version table for each component: the core and every plugin.

Branches of a single history would be simpler until a plugin is removed: then its revisions cannot be located,
and nothing can be migrated any more. Apart from each other, components come, go and move on as they like; only
the core goes first, since plugins refer to its tables.

There is no ``alembic.ini`` and no ``env.py``: a component is a directory of revision files, with names and shape
as Alembic has them, and says in ``oldest_code`` which code may still run on its tables, see `compatibility`.

**Procrastinate's schema** is applied as its own schema manager publishes it, if ``procrastinate_jobs`` is missing.
When a newer Procrastinate changes its schema it comes with scripts, in
``SchemaManager.get_migrations_path()``. Raise the required version together with a revision of the core that
executes the scripts in between, ``pre`` and ``post``, if ``to_regclass('procrastinate_jobs')`` is not NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, Engine, MetaData, text
from sqlalchemy.exc import DBAPIError

from autonomy_core.db.base import Base
from autonomy_core.db.compatibility import compare, read_script, record
from autonomy_core.db.engines import single_engine
from autonomy_core.db.isolation import isolate_jobs, jobs_are_isolated
from autonomy_core.db.ownership import foreign_tables, tables_in
from autonomy_core.db.roles import prepare_roles

TEMPLATES = Path(__file__).parent  # script.py.mako is here
LOCK = 0x6175746F6E6F6D79  # "autonomy", as the number of an advisory lock
RESTORING = "autonomy_restoring"
"""A schema that is there from the beginning of a restoration until the database is marked as a copy."""

Progress = Callable[[str], None]
Steps = Callable[[ScriptDirectory, Any], list[Any]]  # from the present revision to where one wants to be


def silent(line: str) -> None:
    """Tell nobody about the progress."""


class MigrationError(RuntimeError):
    """A component cannot be migrated; the database is as its last complete revision left it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which database to migrate, as whom, and for whom.

    Attributes:
        owner_url: SQLAlchemy URL of the role that owns the tables.
        role, password: those of the application.
    """

    owner_url: str = field(repr=False)
    role: str
    password: str | None = field(repr=False)


@dataclass(frozen=True)
class Migrations:
    """The tables of one component, and how they came about.

    Args:
        component: the name of the plugin, or ``autonomy_core``.
        directory: of its revision files.
        metadata: the models' metadata, which all components share.
        table_prefix: what its tables' names begin with; None for the core, which has the tables that are left.
    """

    component: str
    directory: Path
    metadata: MetaData
    table_prefix: str | None

    @property
    def version_table(self) -> str:
        """The table that holds the component's present revision."""
        return f"{self.component}_alembic_version"

    @property
    def script(self) -> ScriptDirectory:
        """The revision files, as Alembic reads them."""
        return read_script(self.directory)


def core_migrations() -> Migrations:
    """The core's own history. Whoever compares it with the models imports ``autonomy_core.models`` before."""
    return Migrations("autonomy_core", TEMPLATES / "versions", Base.metadata, table_prefix=None)


def migrate(
    owner_url: str,
    components: Sequence[Migrations],
    *,
    application_role: str,
    password: str | None = None,
    progress: Progress = silent,
) -> None:
    """Bring a database up to date: tables, jobs, isolation, and the application's role and rights.

    Args:
        owner_url: SQLAlchemy URL of the role that owns, or will own, the tables.
        components: the core's, then the plugins' in the order to migrate them.
        application_role: as whom the application connects; made if missing.
        password: the application role's, set if given and the owner may.
        progress: told each step, in a line.

    Raises:
        MigrationError: a revision failed, or the code does not know the database's revision.
        UnsafeRole: the application's role cannot be made, or organisations would not be kept apart for it.
    """
    engine = single_engine(owner_url)
    with alone(engine, progress):
        with engine.begin() as connection:
            refuse_while_restoring(connection)
        _upgrade_all(engine, components, progress)
        with engine.begin() as connection:
            prepare_roles(connection, application_role, password, progress)
    progress(f"role {application_role}: ready")


def refuse_while_restoring(connection: Connection) -> None:
    """Check that no restoration into a database was interrupted.

    Raises:
        MigrationError: one was.
    """
    # To give the application its rights would put a copy into service that is not marked as one.
    if connection.scalar(text("SELECT to_regnamespace(:schema)"), {"schema": RESTORING}) is not None:
        raise MigrationError(
            "A restoration into this database was interrupted: drop the database, make it again, and restore again."
        )


def upgrade(engine: Engine, components: Sequence[Migrations], progress: Progress = silent) -> None:
    """Upgrade every component to its newest revision, and make Procrastinate's tables after the core's.

    Raises:
        MigrationError: see `migrate`.
    """
    with alone(engine, progress):
        _upgrade_all(engine, components, progress)


def downgrade(engine: Engine, component: Migrations, to: str = "base", progress: Progress = silent) -> None:
    """Take one component back to a revision, ``base`` being before its first; the others stay as they are.

    Raises:
        MigrationError: see `migrate`.
    """
    with alone(engine, progress):
        _run(engine, component, lambda script, current: script._downgrade_revs(to, current), progress)  # noqa: SLF001


def pending(connection: Connection, components: Sequence[Migrations]) -> list[str]:
    """Why the code may not run on the tables that are there, a sentence each; see `compatibility.compare`."""
    return compare(connection, components).problems


@contextmanager
def alone(engine: Engine, progress: Progress) -> Iterator[None]:
    """Migrate this database while nobody else does; wait for whoever began earlier."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}):
            progress("waiting for another migration to end")
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})


def _upgrade_all(engine: Engine, components: Sequence[Migrations], progress: Progress) -> None:
    core_first = sorted(components, key=lambda component: component.table_prefix is not None)
    for component in core_first:
        if component.table_prefix is not None:
            _prepare_jobs(engine, progress)
        others = [other for other in components if other is not component]
        _run(engine, component, _to_newest, progress, others)
    _prepare_jobs(engine, progress)


def _to_newest(script: ScriptDirectory, current: Any) -> list[Any]:
    return script._upgrade_revs("head", current)  # noqa: SLF001


def _prepare_jobs(engine: Engine, progress: Progress) -> None:
    with engine.begin() as connection:
        if connection.scalar(text("SELECT to_regclass('procrastinate_jobs')")) is None:
            driver = connection.connection.driver_connection
            assert driver is not None  # noqa: S101 - for the type checker: the connection is open
            driver.execute(SchemaManager.get_schema())
            progress("procrastinate: tables made")
        if not jobs_are_isolated(connection):
            isolate_jobs(connection)


def _run(
    engine: Engine,
    component: Migrations,
    steps: Steps,
    progress: Progress,
    others: Sequence[Migrations] = (),
) -> None:
    """Run the steps from the present revision, each in a transaction of its own."""
    script = component.script
    with engine.connect() as connection:
        before = tables_in(connection)

    def applied(ctx: Any, step: Any, **_: Any) -> None:
        if problem := next(foreign_tables(ctx.connection, component, others, before), None):
            raise MigrationError(f"{component.component}: {problem} (its revision was undone)")
        record(ctx.connection, component, script)
        action = "" if step.is_upgrade else "undone: "
        progress(f"{component.component}: {action}{step.up_revision.doc.removesuffix('.')}")

    try:
        with (
            engine.connect() as connection,
            EnvironmentContext(Config(), script, fn=lambda at, _: steps(script, at)) as environment,
        ):
            environment.configure(
                connection=connection,
                target_metadata=component.metadata,
                version_table=component.version_table,
                transaction_per_migration=True,
                on_version_apply=applied,  # type: ignore[arg-type]  # Alembic calls it by keyword
            )
            with environment.begin_transaction():
                environment.run_migrations()
        _record_in_old_database(engine, component, script)
    except ValueError as error:
        raise MigrationError(f"{component.component}: {error}") from error
    except CommandError as error:
        raise MigrationError(
            f"{component.component}: {error}. Its revisions are in {component.directory}. If they lack the one "
            "that the database is at, install the version again that the database was migrated with."
        ) from error
    except DBAPIError as error:
        raise MigrationError(
            f"{component.component}: a revision in {component.directory} failed and was undone: {error.orig}"
        ) from error


def _record_in_old_database(engine: Engine, component: Migrations, script: ScriptDirectory) -> None:
    """Write which code may run into a database that had its last revision before versions said so."""
    with engine.begin() as connection:
        record(connection, component, script)


def plugin_migrations(plugin: str, directory: Path) -> Migrations:
    """A plugin's history: its tables begin with ``<plugin>_``, its versions are in ``<plugin>_alembic_version``.

    Args:
        plugin: the plugin's name.
        directory: where the migration files are.
    """
    return Migrations(
        component=plugin, directory=directory, metadata=Base.metadata, table_prefix=f"{plugin}_"
    )
