"""Every table that keeps organisations' rows, whichever plugin's it is, as the database knows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from autonomy_core.db.isolation import quote
from autonomy_core.kernel.runtime import Runtime
from tests.isolation.sides import Side

JOBS = "procrastinate_jobs"


@dataclass(frozen=True)
class Table:
    """A table of tenants.

    Attributes:
        columns: all of them, quoted.
        references: for each foreign key to another such table: its columns, and that table with the columns
            that are referred to; the organisation's left out.
    """

    name: str
    columns: tuple[str, ...]

    @property
    def quoted(self) -> str:
        return quote(self.name)

    @property
    def whose(self) -> str:
        """The expression that tells whose a row is."""
        return "args->>'organisation_id'" if self.name == JOBS else "organisation_id"

    @property
    def owner_column(self) -> str:
        return "args" if self.name == JOBS else "organisation_id"

    @property
    def given_away(self) -> str:
        """The expression for that column in a row that is to be ``:other``'s."""
        if self.name == JOBS:
            return "jsonb_set(args, '{organisation_id}', to_jsonb(CAST(:other AS text)))"
        return "CAST(:other AS text)"

    @property
    def copied(self) -> tuple[str, ...]:
        """The columns of a copied row; the number of a job is given by the database."""
        return tuple(column for column in self.columns if (self.name, column) != (JOBS, '"id"'))


TABLES = text("""
    SELECT c.relname AS name, array_agg(quote_ident(a.attname) ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    GROUP BY c.relname ORDER BY c.relname
""")


def all_tables(session: Any) -> list[Table]:
    """Every table there is."""
    return [
        Table(name, tuple(f'"{column.strip(chr(34))}"' for column in columns))
        for name, columns in session.execute(TABLES)
    ]


def tenant_tables(session: Any) -> list[Table]:
    """Tables with rows of organisations, and the jobs, whose organisation is in their arguments."""
    return [
        table for table in all_tables(session) if '"organisation_id"' in table.columns or table.name == JOBS
    ]


@dataclass(frozen=True)
class Reference:
    """A foreign key from one organisation's row to another row of the same organisation."""

    name: str
    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]


REFERENCES = text("""
    SELECT k.conname AS name, s.relname AS source, t.relname AS target,
           array_agg(sa.attname ORDER BY n) AS columns, array_agg(ta.attname ORDER BY n) AS target_columns
    FROM pg_constraint k JOIN pg_class s ON s.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
    CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS pair (here, there, n)
    JOIN pg_attribute sa ON sa.attrelid = s.oid AND sa.attnum = pair.here
    JOIN pg_attribute ta ON ta.attrelid = t.oid AND ta.attnum = pair.there
    WHERE k.contype = 'f' AND s.relnamespace = 'public'::regnamespace AND sa.attname <> 'organisation_id'
    GROUP BY k.conname, s.relname, t.relname ORDER BY s.relname, k.conname
""")


def references(session: Any, tables: Iterable[Table]) -> list[Reference]:
    """The foreign keys between tenants' tables."""
    names = {table.name for table in tables}
    return [
        Reference(row.name, row.source, tuple(row.columns), row.target, tuple(row.target_columns))
        for row in session.execute(REFERENCES)
        if {row.source, row.target} <= names
    ]


WRITTEN = text("""
    SELECT sum(pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
               + pg_stat_get_xact_tuples_deleted(oid))
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
""")


def rows_written(session: Any) -> int:
    """How many rows the running transaction has written so far, also those that it has undone since."""
    return int(session.scalar(WRITTEN))


def content_of(runtime: Runtime, side: Side) -> str:
    """A fingerprint of everything that an organisation has in the database."""
    organisation = runtime.tenants.get(side.id)
    assert organisation is not None
    with runtime.transaction(organisation) as scope:
        rows = " UNION ALL ".join(
            f"SELECT '{table.name}' || t::text AS row FROM {table.quoted} t"
            for table in tenant_tables(scope.session)
        )
        return scope.session.scalar(
            text(f"SELECT md5(string_agg(row, '|' ORDER BY row)) FROM ({rows}) every")
        )
