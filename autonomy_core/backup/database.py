"""The database part of a backup: dumped by a role that sees all rows, and restored by the tables' owner."""

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
"""The key of the advisory lock that a restoration holds."""

COPIES = re.compile(rb"COPY (?P<table>.+?) \(.*\) FROM stdin;\n")
END = b"\\.\n"

TABLES = text("""
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class Dumped:
    """The result of a dump.

    Attributes:
        taken_at: the time of the dump's snapshot.
        tables: the number of rows by table.
        revisions: the revision by component.
        answers: the results by query name; None for a failed query, for example of a missing table.
    """

    taken_at: datetime
    tables: Mapping[str, int]
    revisions: Mapping[str, str]
    answers: Mapping[str, Sequence[str] | None]


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Open a connection without timeouts. Uncommitted changes are rolled back at the end."""
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
    """Return the major version of the PostgreSQL server."""
    with connected(url) as connection:
        return int(str(connection.scalar(text("SHOW server_version_num")))) // 10_000


def has_tables(connection: Connection) -> bool:
    """Return whether the database has the tables of a server, in a version that supports restorations."""
    return connection.scalar(text("SELECT to_regclass('public.restorations')")) is not None


def require_dumpable(url: str) -> None:
    """Check that a role may dump all rows, and that the database has tables.

    Args:
        url: the URL of a role that bypasses row-level security. Another role would silently dump no rows.

    Raises:
        BackupError: the role may not read all rows, or the database has no tables.
    """
    with connected(url) as connection:
        if not has_tables(connection):
            name = connection.scalar(text("SELECT current_database()"))
            raise BackupError(
                f"The database {name!r} has no tables of an Autonomy Server, or those of an older version. "
                "If the ini file names the wrong database, correct it. If not, run: autonomy migrate"
            )
        _require_every_row(connection)


def dump(url: str, programs: Programs, target: Path, queries: Mapping[str, str]) -> Dumped:
    """Dump a database while it is in use, and read the dump back to check that it contains all rows.

    Args:
        url: the URL of a role that passed `require_dumpable`.
        programs: PostgreSQL's client programs.
        target: the file to write; it must not exist.
        queries: queries with one column, by name. They are answered from the snapshot of the dump.

    Raises:
        BackupError: the dump does not contain all rows.
    """
    with connected(url) as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        snapshot, taken_at = connection.execute(text("SELECT pg_export_snapshot(), now()")).one()
        answers = {name: _answer(connection, query) for name, query in queries.items()}
        found = Dumped(taken_at, count_rows(connection), _revisions(connection), answers)
        # Create the file with its mode first: while pg_dump writes, others could read it.
        target.touch(mode=0o600, exist_ok=False)
        programs.dump(url, snapshot, target)
    wrong = compare_counts(found.tables, rows_in(programs, target))
    if wrong:
        raise BackupError("The dump does not contain every row: " + "; ".join(wrong))
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
    """Count the rows of each table, as the connected role sees them."""
    names = list(connection.scalars(TABLES))
    counts = {name: text(f"SELECT count(*) FROM {name}") for name in names}  # noqa: S608
    return {name: connection.scalar(count) or 0 for name, count in counts.items()}


def _revisions(connection: Connection) -> dict[str, str]:
    found = {}
    for name in connection.scalars(TABLES):
        component = re.fullmatch(r"public\.(\w+)_alembic_version", name)
        if component:
            revision = connection.scalar(text(f"SELECT version_num FROM {name}"))  # noqa: S608
            found[component.group(1)] = str(revision or "")
    return found


def rows_in(programs: Programs, dump: Path) -> dict[str, int]:
    """Return the number of rows of each table in a dump."""
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
    """Hold the restoration lock of the database during the block.

    Raises:
        BackupError: another process holds it.
    """
    with connected(url) as connection:
        # A lock of the session, so that it outlives the transaction.
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}):
            raise BackupError("Another process is restoring into this database.")
        connection.commit()
        yield


def require_empty(url: str) -> None:
    """Check that a database has no tables.

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
    """Restore a dump into an empty database, and compare the number of rows.

    Args:
        owner_url: the URL of the role that will own the tables.
        programs: PostgreSQL's client programs.
        dump: the dump file.
        expected: the number of rows by table, as the manifest gives it.

    Raises:
        BackupError: the restoration failed and the database is empty again, or rows are missing.
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
        # The tables force row-level security on their owner too. The rollback below undoes this change.
        for name in connection.scalars(TABLES):
            connection.execute(text(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY"))
        wrong = compare_counts(expected, count_rows(connection))
        connection.rollback()
    if wrong:
        raise BackupError("The restored database does not contain every row: " + "; ".join(wrong))
