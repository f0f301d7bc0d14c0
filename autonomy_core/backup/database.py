"""The database of a backup: dumped by a role that sees every row, counted, and restored by the tables' owner."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from autonomy_core.backup.domain import BackupError, compare_counts
from autonomy_core.backup.programs import Programs
from autonomy_core.db.engines import single_engine
from autonomy_core.db.migrations import RESTORING

LOCK = 0x726573746F72696E
"""The number of the advisory lock of a restoration."""

COPIES = re.compile(rb"COPY (?P<table>.+?) \(.*\) FROM stdin;\n")
END = b"\\.\n"

TABLES = text("""
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class Dumped:
    """What was dumped.

    Attributes:
        taken_at: the moment of which the dump is.
        tables: how many rows each has.
        revisions: of the components, by their names.
        answers: to the queries, by their names; None to one that the tables do not answer.
    """

    taken_at: datetime
    tables: Mapping[str, int]
    revisions: Mapping[str, str]
    answers: Mapping[str, Sequence[str] | None]


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection that waits as long as it takes; what is done on it is rolled back."""
    engine = single_engine(url)
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT set_config('statement_timeout', '0', false),"
                " set_config('idle_in_transaction_session_timeout', '0', false)"
            )
        )
        connection.commit()
        yield connection


def server_version(url: str) -> int:
    """PostgreSQL's major version."""
    with connected(url) as connection:
        return int(str(connection.scalar(text("SHOW server_version_num")))) // 10_000


def has_tables(connection: Connection) -> bool:
    """Whether a database is a server's, and of a version that knows restorations."""
    return connection.scalar(text("SELECT to_regclass('public.restorations')")) is not None


def require_dumpable(url: str) -> None:
    """Check that a role may dump everything, and that there is something to dump.

    Args:
        url: of a role that bypasses row-level security: another one would dump nothing, and not say so.

    Raises:
        BackupError: it does not, or there is nothing.
    """
    with connected(url) as connection:
        if not has_tables(connection):
            name = connection.scalar(text("SELECT current_database()"))
            raise BackupError(
                f"The database {name!r} has no tables of an Autonomy Server, or those of an older version. Correct the "
                "ini file if it is another one that is meant; if not, run: autonomy migrate"
            )
        _require_every_row(connection)


def dump(url: str, programs: Programs, target: Path, queries: Mapping[str, str]) -> Dumped:
    """Dump a database while it is in use, and read the dump again to see that it has every row.

    Args:
        url: of a role that `require_dumpable` has found good.
        queries: of one column, to be answered as of the moment of the dump.

    Raises:
        BackupError: rows are missing in the dump.
    """
    with connected(url) as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        snapshot, taken_at = connection.execute(text("SELECT pg_export_snapshot(), now()")).one()
        answers = {name: _answer(connection, query) for name, query in queries.items()}
        found = Dumped(taken_at, count_rows(connection), _revisions(connection), answers)
        # Before it has a row: pg_dump would let others read it until it is complete.
        target.touch(mode=0o600, exist_ok=False)
        programs.dump(url, snapshot, target)
    wrong = compare_counts(found.tables, rows_in(programs, target))
    if wrong:
        raise BackupError("The dump has not got every row: " + "; ".join(wrong))
    return found


def _answer(connection: Connection, query: str) -> list[str] | None:
    try:
        with connection.begin_nested():
            return [str(value) for value in connection.scalars(text(query))]
    except DBAPIError:
        return None


def _require_every_row(connection: Connection) -> None:
    role = connection.execute(
        text("SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    ).one()
    if not role[1]:
        raise BackupError(
            f"The role {role[0]!r} is bound by row-level security and would back up no organisation's rows. "
            f'As an administrator of the database, run: ALTER ROLE "{role[0]}" BYPASSRLS'
        )
    unreadable = [
        name for name in connection.scalars(TABLES) if not connection.scalar(MAY_READ, {"table": name})
    ]
    if unreadable:
        raise BackupError(f"The role {role[0]!r} may not read {', '.join(unreadable)}; run: autonomy migrate")


MAY_READ = text("SELECT has_table_privilege(:table, 'SELECT')")


def count_rows(connection: Connection) -> dict[str, int]:
    """How many rows each table has, as the connected role sees them."""
    names = list(connection.scalars(TABLES))
    return {name: connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0 for name in names}  # noqa: S608


def _revisions(connection: Connection) -> dict[str, str]:
    found = {}
    for name in connection.scalars(TABLES):
        component = re.fullmatch(r"public\.(\w+)_alembic_version", name)
        if component:
            revision = connection.scalar(text(f"SELECT version_num FROM {name}"))  # noqa: S608
            found[component.group(1)] = str(revision or "")
    return found


def rows_in(programs: Programs, dump: Path) -> dict[str, int]:
    """How many rows a dump has for each table."""
    counts: dict[str, int] = {}
    table = None
    for line in programs.read_rows(dump):
        if table is None:
            begins = COPIES.fullmatch(line)
            if begins:
                table = begins["table"].decode()
                counts[table] = 0
        elif line == END:
            table = None
        else:
            counts[table] += 1
    return counts


@contextmanager
def restoring(url: str) -> Iterator[None]:
    """Be the only process that restores into a database, for the time of the block.

    Raises:
        BackupError: another one does.
    """
    with connected(url) as connection:
        # Of the session, so that it outlives the transaction.
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}):
            raise BackupError("Another process is restoring into this database.")
        connection.commit()
        yield


def require_empty(url: str) -> None:
    """Check that a database has nothing in it.

    Raises:
        BackupError: it has tables.
    """
    with connected(url) as connection:
        there = list(connection.scalars(TABLES))
        name = connection.scalar(text("SELECT current_database()"))
    if there:
        raise BackupError(
            f"The database {name!r} is not empty, it has {len(there)} tables: restore into a new one, "
            "and name it in the ini file."
        )


def restore(owner_url: str, programs: Programs, dump: Path, expected: Mapping[str, int]) -> None:
    """Restore a dump into an empty database, and count its rows.

    Raises:
        BackupError: it cannot be restored; the database is as empty as before. Or rows are missing.
    """
    with connected(owner_url) as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {RESTORING}"))
        connection.commit()
        try:
            programs.restore(owner_url, dump)
        except BackupError:
            connection.execute(text(f"DROP SCHEMA {RESTORING}"))
            connection.commit()
            raise
        # The tables force their policies on their owner too. This is undone with the transaction.
        for name in connection.scalars(TABLES):
            connection.execute(text(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY"))
        wrong = compare_counts(expected, count_rows(connection))
        connection.rollback()
    if wrong:
        raise BackupError("The restored database has not got every row: " + "; ".join(wrong))
