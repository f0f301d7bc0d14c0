"""A restored copy acts on no live payment until an operator activates it: the original may still be in service."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from autonomy_core.db.database import IS_COPY
from autonomy_core.errors import Unavailable

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope
    from autonomy_core.tenancy.domain import Environment

ACTIVATE = "run: autonomy restore --activate"
WARNING = f"this is a restored copy, which acts on no live payment; when it is to take the original's place, {ACTIVATE}"


class RestoredCopy(Unavailable):
    """The database was restored from a backup and has not been activated."""

    code, title = "restored_copy", "This server is a restored copy that handles no live payments yet"


def is_restored_copy(connection: Connection) -> bool:
    """Whether the database was restored and has not been activated since."""
    return bool(connection.scalar(IS_COPY))


def refuse_on_copy(scope: TenantScope, environment: Environment | str) -> None:
    """Refuse what would act on a live payment on a restored copy.

    A payment provider calls it before it calls out with a live key, and before it handles a live webhook; the core does
    before it asks a provider. It costs nothing on a database that is no copy.

    Raises:
        RestoredCopy: the environment is live, and the server's database a copy.
    """
    transaction = scope.transaction
    holding = transaction if transaction is not None and transaction.holds_connection else None
    if environment == "live" and scope.runtime.database.is_restored_copy(holding):
        raise RestoredCopy


def mark(connection: Connection, backup_taken_at: datetime) -> None:
    """Make a database a copy. The connection is its owner's; the caller commits."""
    connection.execute(
        text(
            "INSERT INTO restorations (id, backup_taken_at, restored_at)"
            " VALUES (gen_random_uuid(), :taken_at, clock_timestamp())"
        ),
        {"taken_at": backup_taken_at},
    )


def activate(connection: Connection) -> bool:
    """Let a copy act on live payments; gives whether it was one. The connection is the owner's; the caller commits."""
    done = connection.execute(
        text("UPDATE restorations SET activated_at = clock_timestamp() WHERE activated_at IS NULL")
    )
    return done.rowcount > 0
