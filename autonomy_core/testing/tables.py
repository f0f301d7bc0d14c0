"""A plugin's tables in the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Engine, text

from autonomy_core.db.isolation import quote

STRUCTURE = text("""
    SELECT c.relname AS name, format('column %s %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod),
                                     a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS part
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
    UNION ALL SELECT c.relname, format('constraint %s %s', k.conname, pg_get_constraintdef(k.oid))
    FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT tablename, format('policy %s %s %s', policyname, qual, with_check)
    FROM pg_policies WHERE schemaname = 'public'
    UNION ALL SELECT c.relname, pg_get_triggerdef(t.oid)
    FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
    WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT proname, 'function' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT typname, 'type' FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
""")


def structure(database: Connection | Engine) -> dict[str, set[str]]:
    """Return the structure of the database: the parts of every table, view, function and type.

    The parts of a table are its columns, constraints, indexes, policies and triggers.
    """
    if isinstance(database, Engine):
        with database.connect() as connection:
            return structure(connection)
    found: dict[str, set[str]] = {}
    for name, part in database.execute(STRUCTURE):
        found.setdefault(name, set()).add(str(part))
    return found


def tables_of(connection: Connection, plugin: str) -> list[str]:
    """Return the plugin's tables, by prefix, without its version table."""
    return sorted(
        name
        for name, parts in structure(connection).items()
        if any(part.startswith("column ") for part in parts)
        and name.startswith(f"{plugin}_")
        and name != f"{plugin}_alembic_version"
    )


def tables_with(connection: Connection, tables: Iterable[str], column: str) -> list[str]:
    """Return the tables that have a column."""
    found = structure(connection)
    return [name for name in tables if any(part.startswith(f"column {column} ") for part in found[name])]


def shared_tables(connection: Connection, tables: Iterable[str]) -> list[str]:
    """Return the tables without a column ``organisation_id``."""
    found = structure(connection)
    return [
        name for name in tables if not any(part.startswith("column organisation_id ") for part in found[name])
    ]


def rows_of(session: Any, tables: Iterable[str]) -> dict[str, list[str]]:
    """Return all rows of some tables that a session sees, as sorted text."""
    texts = {name: text(f"SELECT t::text FROM {quote(name)} t") for name in tables}  # noqa: S608
    return {name: sorted(map(str, session.scalars(statement))) for name, statement in texts.items()}


def rows_naming(session: Any, tables: Iterable[str], words: str) -> list[str]:
    """Return the rows of some tables that contain a text, each with the name of its table."""
    return [
        f"{name}: {row}" for name, rows in rows_of(session, tables).items() for row in rows if words in row
    ]


def organisations_in(session: Any, table: str) -> set[str]:
    """Return the organisations of the rows that a session sees in a table."""
    return set(session.scalars(text(f"SELECT DISTINCT organisation_id FROM {quote(table)}")))  # noqa: S608
