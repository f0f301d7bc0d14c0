"""The worker waits for a database that is late, hangs, or has other tables than the code expects, and says so.

A service manager starts worker, migration and database in any order, and one that gives up after some failures would
leave a worker that exits dead for good.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from autonomy_core.db.compatibility import compare
from autonomy_core.db.embedded import EmbeddedServerError
from autonomy_core.db.migrations import Migrations
from autonomy_core.db.outages import MIGRATE, explain_outage
from autonomy_core.db.probe import NoAnswer
from autonomy_core.kernel.copies import WARNING, is_restored_copy
from autonomy_core.kernel.runtime import Runtime

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0

LONGEST_SILENCE_S = 600.0
"""So rarely the same reason is told again; the first times after half a minute, a minute, and so on."""

FIRST_SILENCE_S = 30.0


async def wait_until_usable(runtime: Runtime) -> None:
    """Return when jobs can be run. Logs ``worker.waiting`` at once, when the reason changes, and then sparsely."""
    told, silence, again = None, FIRST_SILENCE_S, 0.0
    while (reason := await asyncio.to_thread(obstacle, runtime)) is not None:
        now = time.monotonic()
        if reason != told:
            silence, again = FIRST_SILENCE_S, now
        if now >= again:
            log.warning("worker.waiting", reason=reason)
            told, again = reason, now + silence
            silence = min(2 * silence, LONGEST_SILENCE_S)
        await asyncio.sleep(LOOK_EVERY_S)


def obstacle(runtime: Runtime) -> str | None:
    """Why no job can be run now, with the remedy; None if they can."""
    try:
        return runtime.database.ask(_look, runtime.components())
    except (SQLAlchemyError, EmbeddedServerError, NoAnswer) as error:
        return f"the database: {explain_outage(error)}"


def _look(connection: Connection, components: Sequence[Migrations]) -> str | None:
    found = compare(connection, components)
    if found.problems:
        return "; ".join([*found.problems, *([MIGRATE] if found.behind else [])])
    return WARNING if is_restored_copy(connection) else None
