"""Whether this version of the code may run on the database's tables.

It may run on tables of its own revision, and on tables of a newer revision that is declared compatible. A
revision file declares ``oldest_code``: the revision of the oldest code that may run on its tables. The
default is the revision itself. A migration writes the strictest declaration of all its revisions into the
version table. Older code reads it there, because it does not have the newer revision files. The older code
needs no order of revisions: if it has the declared revision among its files, it is new enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from autonomy_core.db.components import Migrations, read_script
from autonomy_core.db.isolation import quote

DECLARATION = "oldest_code"
"""The attribute of a revision file, and the column of the version tables."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences between the tables and what the code expects, one sentence each.

    Attributes:
        behind: components whose tables must be migrated.
        ahead: components with newer tables, on which this code must not run.
    """

    behind: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()

    @property
    def problems(self) -> list[str]:
        """Both kinds of differences."""
        return [*self.behind, *self.ahead]


def compare(connection: Connection, components: Sequence[Migrations]) -> Comparison:
    """Compare the tables with the code. It is cheap enough for readiness: two queries, and cached files.

    Args:
        connection: a connection to the database.
        components: the core and the plugins.
    """
    names = {component.version_table: component for component in components}
    listed = text("SELECT tablename FROM pg_tables WHERE tablename = ANY (:names) AND schemaname = 'public'")
    present = set(connection.scalars(listed, {"names": [*names, "procrastinate_jobs"]}))
    at = _versions(connection, sorted(present & names.keys()))
    behind, ahead = [], []
    for name, component in names.items():
        revision, oldest_code = at.get(name, ("", None))
        known = _known(component.directory, component.directory.stat().st_mtime_ns)
        newest = known[-1] if known else ""
        where = (
            f"{component.component}: the database is at {revision or 'base'}, the code at {newest or 'base'}"
        )
        if revision == newest:
            continue
        if not revision or revision in known:
            behind.append(where)
        elif oldest_code not in known:
            ahead.append(f"{where}, which may not run on it; install the newer version")
    if "procrastinate_jobs" not in present:
        behind.append("procrastinate: its tables are missing")
    return Comparison(tuple(behind), tuple(ahead))


def _versions(connection: Connection, tables: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    """By version table: the current revision, and the oldest code that may run on it."""
    if not tables:
        return {}
    # Read through JSON: a database that an older version migrated does not have the column.
    query = " UNION ALL ".join(
        f"SELECT '{name}', version_num, to_jsonb(v) ->> '{DECLARATION}' FROM {quote(name)} v"  # noqa: S608
        for name in tables
    )
    return {name: (revision, oldest_code) for name, revision, oldest_code in connection.execute(text(query))}


@lru_cache(maxsize=256)
def _known(directory: Path, _mtime: int) -> tuple[str, ...]:
    """The revisions in the directory, oldest first. The modification time is only a part of the cache key."""
    script = read_script(directory)
    return tuple(revision.revision for revision in reversed(list(script.walk_revisions())))


def oldest_code(script: ScriptDirectory, at: str) -> str:
    """The revision of the oldest code that may run on the tables of a revision: the newest one declared.

    Args:
        script: the revision files.
        at: the revision of the tables.

    Raises:
        ValueError: a file declares a revision that is neither its own nor an earlier one.
    """
    strictest, before = -1, []
    for revision in reversed(list(script.iterate_revisions(at, "base"))):
        before.append(revision.revision)
        declared = getattr(revision.module, DECLARATION, revision.revision)
        if declared not in before:
            raise ValueError(
                f"{revision.path}: {DECLARATION} = {declared!r} is neither its own revision "
                "nor an earlier one"
            )
        strictest = max(strictest, before.index(declared))
    return str(before[strictest])


def record(connection: Connection, component: Migrations, script: ScriptDirectory) -> None:
    """Write the oldest compatible code into the version table.

    Args:
        connection: a connection in the revision's transaction.
        component: the component.
        script: its revision files.
    """
    table = quote(component.version_table)
    for at in _current(connection, table):
        _add_column(connection, component.version_table)
        statement = text(f"UPDATE {table} SET {DECLARATION} = :oldest")  # noqa: S608 - no user input
        connection.execute(statement, {"oldest": oldest_code(script, at)})


def _current(connection: Connection, table: str) -> Iterator[Any]:
    if connection.scalar(text("SELECT to_regclass(:table)"), {"table": table}) is not None:
        yield from connection.scalars(text(f"SELECT version_num FROM {table}")).all()  # noqa: S608


def _add_column(connection: Connection, table: str) -> None:
    # Check first: ALTER TABLE takes an exclusive lock, which blocks readers, even if it changes nothing.
    known = text("SELECT FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attname = :name")
    if connection.execute(known, {"table": quote(table), "name": DECLARATION}).first() is None:
        connection.execute(text(f"ALTER TABLE {quote(table)} ADD COLUMN {DECLARATION} varchar(32)"))
