"""Whether this code may run on the tables that are there: on those of its own revision, or of a newer one that says so.

A revision file declares ``oldest_code``: the revision of the oldest code that may run on the tables as it leaves them.
Without the attribute that is the revision itself. A migration writes the strictest of what all its revisions declare
into its version table, where code that lacks the newer files reads it. That code needs no order of revisions: it knows
the revision, which makes it new enough, or does not know it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from autonomy_core.db.isolation import quote

if TYPE_CHECKING:
    from autonomy_core.db.migrations import Migrations

DECLARATION = "oldest_code"
"""The attribute of a revision file, and the column of the version tables."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the tables differ from what the code expects, a sentence each.

    Attributes:
        behind: what is to be migrated.
        ahead: newer tables, on which this code must not run.
    """

    behind: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()

    @property
    def problems(self) -> list[str]:
        """All of it."""
        return [*self.behind, *self.ahead]


def compare(connection: Connection, components: Sequence[Migrations]) -> Comparison:
    """Compare every component. Two queries and no file read after the first time: for readiness."""
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
    """The revision of each version table, and the oldest code that may run on it."""
    if not tables:
        return {}
    # As JSON, because a database that was migrated by an older version lacks the column.
    query = " UNION ALL ".join(
        f"SELECT '{name}', version_num, to_jsonb(v) ->> '{DECLARATION}' FROM {quote(name)} v"  # noqa: S608
        for name in tables
    )
    return {name: (revision, oldest_code) for name, revision, oldest_code in connection.execute(text(query))}


@lru_cache(maxsize=256)
def _known(directory: Path, _mtime: int) -> tuple[str, ...]:
    """The revisions of the code, the oldest first."""
    script = read_script(directory)
    return tuple(revision.revision for revision in reversed(list(script.walk_revisions())))


def read_script(directory: Path) -> ScriptDirectory:
    """The revision files in a directory, as Alembic reads them; the template of new ones is beside this module."""
    return ScriptDirectory(
        Path(__file__).parent, version_locations=[directory], messaging_opts={"quiet": True}
    )


def oldest_code(script: ScriptDirectory, at: str) -> str:
    """The revision of the oldest code that may run on the tables of a revision: the newest that was declared.

    Raises:
        ValueError: a file declares what is no revision before its own.
    """
    strictest, before = -1, []
    for revision in reversed(list(script.iterate_revisions(at, "base"))):
        before.append(revision.revision)
        declared = getattr(revision.module, DECLARATION, revision.revision)
        if declared not in before:
            raise ValueError(
                f"{revision.path}: {DECLARATION} = {declared!r} is neither its own revision nor an earlier one"
            )
        strictest = max(strictest, before.index(declared))
    return str(before[strictest])


def record(connection: Connection, component: Migrations, script: ScriptDirectory) -> None:
    """Write into a component's version table which code may run; in the transaction of the revision itself."""
    table = quote(component.version_table)
    for at in _current(connection, table):
        _add_column(connection, component.version_table)
        statement = text(f"UPDATE {table} SET {DECLARATION} = :oldest")  # noqa: S608 - a quoted name, and a constant
        connection.execute(statement, {"oldest": oldest_code(script, at)})


def _current(connection: Connection, table: str) -> Iterator[Any]:
    if connection.scalar(text("SELECT to_regclass(:table)"), {"table": table}) is not None:
        yield from connection.scalars(text(f"SELECT version_num FROM {table}")).all()  # noqa: S608


def _add_column(connection: Connection, table: str) -> None:
    # To ask first: the statement locks out whoever reads, also when there is nothing to add.
    known = text("SELECT FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attname = :name")
    if connection.execute(known, {"table": quote(table), "name": DECLARATION}).first() is None:
        connection.execute(text(f"ALTER TABLE {quote(table)} ADD COLUMN {DECLARATION} varchar(32)"))
