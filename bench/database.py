"""PostgreSQL for a benchmark: the embedded server with full durability, and one database per contender."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import make_url

from autonomy_core.db.embedded import SUPERUSER, EmbeddedServer

SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
SETTINGS: LiteralString = "SELECT name, setting FROM pg_settings WHERE name = ANY (%(names)s)"


class VoidRun(RuntimeError):
    """The measurement is invalid; the message gives the reason."""


@contextmanager
def embedded_server(directory: Path) -> Iterator[EmbeddedServer]:
    """Run a durable PostgreSQL during the block; remove it with all its data afterwards."""
    server = EmbeddedServer(data_dir=directory, max_connections=500)  # the pools of all contenders together
    try:
        server.ensure_running()
        yield server
    finally:
        server.remove()


def conninfo(server: EmbeddedServer, database: str, user: str = SUPERUSER) -> str:
    """Return the libpq URL of a database, by default for its owner."""
    return make_url(server.url(database, user)).set(drivername="postgresql").render_as_string()


def execute(
    address: str, statement: LiteralString, values: Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """Execute a statement as the databases' owner, who bypasses row-level security; return its rows."""
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def require_durability(server: EmbeddedServer) -> str:
    """Check that a reported commit is on disk; return PostgreSQL's version.

    Raises:
        VoidRun: it is not.
    """
    address = conninfo(server, "postgres")
    listed = execute(address, SETTINGS, {"names": [*SAFE]})
    if dict(listed) != SAFE:
        raise VoidRun(f"PostgreSQL is not durable: {dict(listed)}")
    return str(execute(address, "SHOW server_version")[0][0])


def prepare(address: str, statement: LiteralString, numbers: range) -> None:
    """Prepare some tasks, and run the maintenance that PostgreSQL would otherwise do during the measurement.

    Args:
        address: the database's connection string.
        statement: prepares the tasks from ``%(first)s`` to ``%(last)s``.
        numbers: the tasks.
    """
    execute(address, statement, {"first": numbers[0], "last": numbers[-1]})
    execute(address, "ANALYZE")
    execute(address, "CHECKPOINT")


def count(address: str, statement: LiteralString) -> dict[str, int]:
    """Return the numbers that a statement selects, by column name."""
    with psycopg.connect(address, autocommit=True, row_factory=dict_row) as connection:
        return connection.execute(statement).fetchone() or {}
