"""The version of an organisation's catalogue: each change of a table of the catalogue gives a new one.

A trigger gives it, so no code can forget it: SQL text, a job, a plugin and an older version of the server
change the version as well. The triggers are deferred. So the row of the version is locked only while a
transaction commits, and it is the last lock of the transaction. See docs/decisions/0066.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text

from autonomy_core.db.isolation import Executor, quote

TRIGGER: Final = "catalogue_version"
"""The name of the trigger of each table of the catalogue."""

FUNCTION: Final = "catalogue_has_changed"


def add_to_catalogue(op: Executor, table_name: str, columns: Sequence[str] = ()) -> None:
    """Let each change of a table's rows change the version of their organisation's catalogue.

    Call it in a migration for each table that the answers of ``GET products`` and ``GET products/{id}``
    depend on, for example the tables that a kind's `tracks_of` reads. It does not wait for readers. Answers
    that depend on a table without it are right as well, but the server makes them anew for each request.

    Args:
        op: ``alembic.op``.
        table_name: a table that was passed to `isolate`.
        columns: of an update, only the change of one of these counts, since answers depend on no other;
            empty for all. PostgreSQL refuses to drop them while the trigger exists.
    """
    of = f" OF {', '.join(map(quote, columns))}" if columns else ""
    op.execute(
        text(
            f"CREATE CONSTRAINT TRIGGER {TRIGGER} AFTER INSERT OR UPDATE{of} OR DELETE "
            f"ON {quote(table_name)} DEFERRABLE INITIALLY DEFERRED "
            f"FOR EACH ROW EXECUTE FUNCTION {FUNCTION}()"
        )
    )


def remove_from_catalogue(op: Executor, table_name: str) -> None:
    """Undo `add_to_catalogue`, in a downgrade that keeps the table.

    Args:
        op: ``alembic.op``.
        table_name: the table.
    """
    op.execute(text(f"DROP TRIGGER IF EXISTS {TRIGGER} ON {quote(table_name)}"))
