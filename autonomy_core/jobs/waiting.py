"""The worker waits until the database is usable.

The database may be late, hang, or have other tables than the code expects.

A service manager starts worker, migration and database in any order. It stops restarting a service that
fails repeatedly, so a worker that exits here could stay down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from autonomy_core.db.compatibility import compare
from autonomy_core.db.components import Migrations
from autonomy_core.db.embedded import EmbeddedServerError
from autonomy_core.db.outages import MIGRATE, explain_outage
from autonomy_core.db.probe import NoAnswer
from autonomy_core.kernel.copies import WARNING, is_restored_copy
from autonomy_core.kernel.runtime import Runtime

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0

LONGEST_SILENCE_S = 600.0
"""The longest interval between two log entries with the same reason.

The interval doubles from `FIRST_SILENCE_S`.
"""

FIRST_SILENCE_S = 30.0


async def wait_until_usable(runtime: Runtime) -> None:
    """Return when jobs can run.

    Log ``worker.waiting`` at once, when the reason changes, and at growing intervals.
    """
    logged, silence, again = None, FIRST_SILENCE_S, 0.0
    while (reason := await asyncio.to_thread(obstacle, runtime)) is not None:
        now = time.monotonic()
        if reason != logged:
            silence, again = FIRST_SILENCE_S, now
        if now >= again:
            log.warning("worker.waiting", reason=reason)
            logged, again = reason, now + silence
            silence = min(2 * silence, LONGEST_SILENCE_S)
        await asyncio.sleep(LOOK_EVERY_S)


def obstacle(runtime: Runtime) -> str | None:
    """Return why no job can run now, with the remedy; None if jobs can run."""
    try:
        return runtime.database.ask(_look, runtime.components())
    except (SQLAlchemyError, EmbeddedServerError, NoAnswer) as error:
        return f"the database: {explain_outage(error)}"


def _look(connection: Connection, components: Sequence[Migrations]) -> str | None:
    found = compare(connection, components)
    if found.problems:
        return "; ".join([*found.problems, *([MIGRATE] if found.behind else [])])
    return WARNING if is_restored_copy(connection) else None
