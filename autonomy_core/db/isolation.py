"""Row-level security: the database keeps the rows of organisations apart.

A transaction sets its organisation with ``set_config('autonomy.organisation', :id, true)``. For an isolated
table, the policy then hides the rows of other organisations from every statement, and rejects writing them.
Without the setting, no row is visible. This protects against forgotten conditions. It does not protect
against code that sets another organisation on purpose. `session` adds the condition to statements about
models: row-level security is the second line of defence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Connection, text

POLICY = "organisation_isolation"

# After a transaction that set a value, a pooled connection holds '' and not NULL. Both mean no organisation.
CURRENT_ORGANISATION = "nullif(current_setting('autonomy.organisation', true), '')"
OWN_ROWS = f"organisation_id = {CURRENT_ORGANISATION}"
OWN_JOBS = (
    f"args->>'organisation_id' = {CURRENT_ORGANISATION} OR current_setting('autonomy.worker', true) = 'on'"
)


class Executor(Protocol):
    """Executes SQL: Alembic's ``op``, or a SQLAlchemy connection."""

    def execute(self, statement: Any, /) -> Any:
        """Execute one statement."""


def quote(name: str) -> str:
    """The name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def isolate(op: Executor, table_name: str) -> None:
    """Add the isolation policy to a tenant table. Call it in the migration that creates the table.

    Args:
        op: ``alembic.op``.
        table_name: a table with a column ``organisation_id``.
    """
    _isolate(op, table_name, OWN_ROWS)


def isolate_alarms(op: Executor, table_name: str) -> None:
    """Like `isolate`, for the table of alarms: connections with ``autonomy.operations=on`` read all rows.

    Readiness and metrics use such connections. As in other tables, they write the organisation's rows only.
    """
    seen = f"{OWN_ROWS} OR current_setting('autonomy.operations', true) = 'on'"
    _isolate(op, table_name, seen, written=OWN_ROWS)


def isolate_jobs(op: Executor) -> None:
    """Isolate Procrastinate's jobs by the ``organisation_id`` in their arguments. Safe to repeat.

    The worker sees all jobs: it connects with ``options=-c autonomy.worker=on``. Procrastinate's other tables
    contain only numbers, times and task names. They are not isolated, so that its triggers can write to them.
    """
    op.execute(text(f"DROP POLICY IF EXISTS {POLICY} ON procrastinate_jobs"))
    _isolate(op, "procrastinate_jobs", OWN_JOBS)


@contextmanager
def every_organisations_rows(op: Executor, table_name: str) -> Iterator[None]:
    """Let a migration access all rows of an isolated table; the policies apply to the table's owner, too.

    Args:
        op: ``alembic.op``. Other transactions do not see the change.
        table_name: a table that was passed to `isolate`.
    """
    table = quote(table_name)
    op.execute(text(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
    yield
    # Let deferred triggers of the changed rows run now: PostgreSQL alters no table that has to run some.
    op.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    op.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    op.execute(text(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"))


def _isolate(op: Executor, table_name: str, condition: str, *, written: str | None = None) -> None:
    table = quote(table_name)
    op.execute(text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))
    op.execute(text(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"))
    op.execute(
        text(f"CREATE POLICY {POLICY} ON {table} USING ({condition}) WITH CHECK ({written or condition})")
    )


def jobs_are_isolated(connection: Connection) -> bool:
    """Whether `isolate_jobs` has run on this database."""
    return "procrastinate_jobs" not in {name for name, _ in _lacking_policies(connection)}


def unisolated_tables(connection: Connection) -> list[str]:
    """Problems with the isolation of tables in schema ``public``, one sentence each."""
    checks = (_lacking_policies, _wrong_keys, _wrong_references, _wrong_views)
    return [f"{name}: {problem}" for check in checks for name, problem in check(connection)]


TENANT_TABLES = """
    SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, a.attnum
    FROM pg_class c
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organisation_id' AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND (a.attnum IS NOT NULL OR c.relname = 'procrastinate_jobs')
"""

POLICIES = text(f"""
    SELECT t.relname, t.relrowsecurity AND t.relforcerowsecurity AS forced,
           coalesce(bool_or(
               p.polname = '{POLICY}' AND p.polcmd = '*' AND p.polroles = '{{0}}'), false) AS found,
           coalesce(array_agg(p.polname::text) FILTER (WHERE p.polpermissive AND (
               coalesce(pg_get_expr(p.polqual, t.oid), '') NOT LIKE '%autonomy.organisation%'
               AND p.polcmd <> 'a'
               OR coalesce(pg_get_expr(p.polwithcheck, t.oid), pg_get_expr(p.polqual, t.oid), '')
                  NOT LIKE '%autonomy.organisation%'
               AND p.polcmd NOT IN ('r', 'd'))), '{{}}') AS open
    FROM ({TENANT_TABLES}) t LEFT JOIN pg_policy p ON p.polrelid = t.oid
    GROUP BY t.relname, t.relrowsecurity, t.relforcerowsecurity ORDER BY t.relname
""")  # noqa: S608 - made of the constants above


def _lacking_policies(connection: Connection) -> Iterator[tuple[str, str]]:
    for table in connection.execute(POLICIES):
        if not table.forced:
            yield table.relname, "row-level security is not both enabled and forced; call isolate() for it"
        if not table.found:
            yield table.relname, f"the policy {POLICY} is missing; call isolate() for it"
        for policy in table.open:
            yield table.relname, f"the policy {policy} lets rows of every organisation through"


KEYS = text(f"""
    SELECT t.relname FROM ({TENANT_TABLES}) t
    WHERE t.attnum IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_constraint k
        WHERE k.conrelid = t.oid AND k.contype = 'p' AND t.attnum = ANY (k.conkey))
    ORDER BY t.relname
""")  # noqa: S608


def _wrong_keys(connection: Connection) -> Iterator[tuple[str, str]]:
    for name in connection.scalars(KEYS):
        yield name, "its primary key lacks organisation_id"


REFERENCES = text(f"""
    SELECT t.relname, k.conname, target.relname AS target
    FROM ({TENANT_TABLES}) t
    JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
    JOIN ({TENANT_TABLES}) target ON target.oid = k.confrelid
    WHERE NOT EXISTS (SELECT FROM unnest(k.conkey, k.confkey) AS pair (here, there)
                      WHERE pair.here = t.attnum AND pair.there = target.attnum)
    ORDER BY t.relname, k.conname
""")  # noqa: S608


def _wrong_references(connection: Connection) -> Iterator[tuple[str, str]]:
    for row in connection.execute(REFERENCES):
        yield row.relname, f"its foreign key {row.conname} to {row.target} does not go by organisation_id"


VIEWS = text("""
    SELECT c.relname, c.relkind = 'm' AS stored
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organisation_id'
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm')
      AND NOT coalesce(c.reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], false)
    ORDER BY c.relname
""")


def _wrong_views(connection: Connection) -> Iterator[tuple[str, str]]:
    for view in connection.execute(VIEWS):
        if view.stored:
            yield view.relname, "a materialised view has no row-level security; use a table"
        else:
            yield (
                view.relname,
                "the view reads with its owner's rights; create it WITH (security_invoker = true)",
            )
