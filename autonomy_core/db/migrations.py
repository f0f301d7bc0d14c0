"""Migrations with Alembic: the core and each plugin have their own history and version table.

Branches of a single history would not survive the removal of a plugin: Alembic could no longer locate its
revisions, and all migrations would stop. With separate histories, plugins are independent of one another.
Only the core is migrated first, because plugins refer to its tables.

There is no ``alembic.ini`` and no ``env.py``. A component is a directory of revision files with Alembic's
names and format. Each declares in ``oldest_code`` which code may still run on its tables: `compatibility`.

**Procrastinate's schema** is applied by its own schema manager, if ``procrastinate_jobs`` is missing. A newer
Procrastinate that changes its schema contains SQL scripts, in ``SchemaManager.get_migrations_path()``. Then
raise the required version, and add a revision to the core that executes the ``pre`` and ``post`` scripts in
between, if ``to_regclass('procrastinate_jobs')`` is not NULL.
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
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from autonomy_core.db.base import Base
from autonomy_core.db.compatibility import compare, record
from autonomy_core.db.components import Migrations
from autonomy_core.db.engines import single_engine
from autonomy_core.db.isolation import isolate_jobs, jobs_are_isolated
from autonomy_core.db.ownership import foreign_tables, tables_in
from autonomy_core.db.roles import prepare_roles

TEMPLATES = Path(__file__).parent  # script.py.mako is here
LOCK = 0x6175746F6E6F6D79  # "autonomy", as the number of an advisory lock
RESTORING = "autonomy_restoring"
"""A schema that exists from the start of a restoration until the database is marked as a copy."""

Progress = Callable[[str], None]
Steps = Callable[[ScriptDirectory, Any], list[Any]]  # from the current revision to the wanted one


def silent(line: str) -> None:
    """Discard a progress message."""


class MigrationError(RuntimeError):
    """A component cannot be migrated. The database is at the last revision that succeeded."""


@dataclass(frozen=True, slots=True)
class Target:
    """The database to migrate, and its two roles.

    Attributes:
        owner_url: SQLAlchemy URL with the role that owns the tables.
        role: the application's role.
        password: the password of the application's role.
    """

    owner_url: str = field(repr=False)
    role: str
    password: str | None = field(repr=False)


def core_migrations() -> Migrations:
    """The core's history. To compare it with the models, import ``autonomy_core.models`` first."""
    return Migrations("autonomy_core", TEMPLATES / "versions", Base.metadata, table_prefix=None)


def migrate(
    owner_url: str,
    components: Sequence[Migrations],
    *,
    application_role: str,
    password: str | None = None,
    progress: Progress = silent,
) -> None:
    """Upgrade a database: tables, job queue, isolation, and the application's role and rights.

    Args:
        owner_url: SQLAlchemy URL with the role that owns, or will own, the tables.
        components: the core, then the plugins in the order of their migration.
        application_role: the role that the application connects as; created if missing.
        password: the password to set for the application's role, if the owner may set it.
        progress: called with one line per step.

    Raises:
        MigrationError: a revision failed, or the code does not have the database's revision.
        UnsafeRole: the application's role cannot be created, or isolation would not apply to it.
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
    """Check that no restoration into this database was interrupted.

    Raises:
        MigrationError: one was interrupted.
    """
    # Granting rights would put a copy into service that is not marked as a copy.
    if connection.scalar(text("SELECT to_regnamespace(:schema)"), {"schema": RESTORING}) is not None:
        raise MigrationError(
            "A restoration into this database was interrupted: drop the database, make it again, "
            "and restore again."
        )


def upgrade(engine: Engine, components: Sequence[Migrations], progress: Progress = silent) -> None:
    """Upgrade every component to its newest revision. Create Procrastinate's tables after the core's.

    Args:
        engine: of the role that owns the tables.
        components: the core and the plugins.
        progress: called with one line per step.

    Raises:
        MigrationError: see `migrate`.
    """
    with alone(engine, progress):
        _upgrade_all(engine, components, progress)


def downgrade(engine: Engine, component: Migrations, to: str = "base", progress: Progress = silent) -> None:
    """Downgrade one component. The other components are not changed.

    Args:
        engine: of the role that owns the tables.
        component: the component.
        to: the revision to go back to; ``base`` undoes all revisions.
        progress: called with one line per step.

    Raises:
        MigrationError: see `migrate`.
    """
    with alone(engine, progress):
        _run(
            engine,
            component,
            lambda script, current: script._downgrade_revs(to, current),  # noqa: SLF001
            progress,
        )


def pending(connection: Connection, components: Sequence[Migrations]) -> list[str]:
    """Reasons why the code may not run on the database's tables, one sentence each; see `compare`."""
    return compare(connection, components).problems


@contextmanager
def alone(engine: Engine, progress: Progress) -> Iterator[None]:
    """Hold the advisory lock of migrations. Wait for a migration that holds it.

    Args:
        engine: of the role that owns the tables.
        progress: called with one line if this has to wait.
    """
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
    """Run the steps from the current revision, each in its own transaction."""
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
            f"{component.component}: {error}. Its revisions are in {component.directory}. If they lack the "
            "one that the database is at, install the version again that the database was migrated with."
        ) from error
    except DBAPIError as error:
        raise MigrationError(
            f"{component.component}: a revision in {component.directory} failed and was undone: {error.orig}"
        ) from error


def _record_in_old_database(engine: Engine, component: Migrations, script: ScriptDirectory) -> None:
    """Record the oldest compatible code in a database whose last revision is older than this feature."""
    with engine.begin() as connection:
        record(connection, component, script)


def plugin_migrations(plugin: str, directory: Path) -> Migrations:
    """A plugin's history. Its tables have the prefix ``<plugin>_``; its version table has the same prefix.

    Args:
        plugin: the plugin's name.
        directory: the directory of the revision files.
    """
    return Migrations(
        component=plugin, directory=directory, metadata=Base.metadata, table_prefix=f"{plugin}_"
    )
