"""Restored copies refuse live payments until an operator activates them: the original may be in service."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from autonomy_core.db.database import IS_COPY
from autonomy_core.errors import Unavailable
from autonomy_core.kernel.scope import transaction_of

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope
    from autonomy_core.tenancy.domain import Environment

ACTIVATE = "run: autonomy restore --activate"
WARNING = (
    "this is a restored copy, which acts on no live payment; "
    f"when it is to take the original's place, {ACTIVATE}"
)


class RestoredCopy(Unavailable):
    """The database was restored from a backup and not activated since."""

    code, title = "restored_copy", "This server is a restored copy that handles no live payments yet"


def is_restored_copy(connection: Connection) -> bool:
    """Whether the database was restored from a backup and not activated since."""
    return bool(connection.scalar(IS_COPY))


def refuse_on_copy(scope: TenantScope, environment: Environment | str) -> None:
    """Refuse to act on a live payment if the database is a restored copy.

    A payment provider calls this before it calls its server with a live key, and before it handles a live
    webhook. The core calls it before it calls a provider. The result "no copy" is cached.

    Args:
        scope: the organisation's scope.
        environment: the environment of the payment.

    Raises:
        RestoredCopy: the environment is live, and the database is a copy.
    """
    transaction = transaction_of(scope)
    holding = transaction if transaction is not None and transaction.holds_connection else None
    database = scope._runtime.database  # noqa: SLF001 - runtime.py, which has runtime_of, needs this module
    if environment == "live" and database.is_restored_copy(holding):
        raise RestoredCopy


def mark(connection: Connection, backup_taken_at: datetime) -> None:
    """Mark a database as a copy. The connection must have the owner's role; the caller commits."""
    connection.execute(
        text(
            "INSERT INTO restorations (id, backup_taken_at, restored_at)"
            " VALUES (gen_random_uuid(), :taken_at, clock_timestamp())"
        ),
        {"taken_at": backup_taken_at},
    )


def activate(connection: Connection) -> bool:
    """Let a copy act on live payments. The connection must have the owner's role; the caller commits.

    Returns:
        Whether the database was a copy.
    """
    done = connection.execute(
        text("UPDATE restorations SET activated_at = clock_timestamp() WHERE activated_at IS NULL")
    )
    return done.rowcount > 0
