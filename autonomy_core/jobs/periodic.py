"""Periodic jobs: the worker defers them itself, for each organisation at a moment of its own.

Once a minute, one of all the workers looks which turns fall into it. Nothing piles up: a job that still waits is not
deferred again, and of one that takes longer than its period no second one runs beside it. A turn that falls into a
time without a worker is left out.
"""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import product
from typing import Any

import procrastinate
import psycopg
import structlog
from psycopg.errors import UniqueViolation

from autonomy_core.jobs.domain import lock_of, turns
from autonomy_core.jobs.failures import described
from autonomy_core.jobs.running import attempt
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.runtime import Runtime

log = structlog.get_logger(__name__)

MINUTE_S = 60


def add_periodic_task(app: procrastinate.App, runtime: Runtime, job: Job) -> None:
    """Make a periodic job known. One that fails is logged, and its next turn is its next attempt."""

    @app.task(name=job.name, pass_context=True)
    def task(context: procrastinate.JobContext, organisation_id: str, **arguments: Any) -> None:
        # Also where its organisation, or its plugin there, has been switched off since it was deferred.
        with suppress(Exception):
            attempt(runtime, job, context.job, organisation_id, arguments)


def add_schedule(app: procrastinate.App, runtime: Runtime) -> None:
    """Have the workers defer what is due."""

    @app.periodic(cron="* * * * *")
    @app.task(name="jobs.defer_periodic")
    async def schedule(timestamp: int) -> None:
        await defer_due(app, runtime, timestamp)


async def defer_due(app: procrastinate.App, runtime: Runtime, minute: int) -> None:
    """Defer the turns of one minute, each for its second. A failure is logged, and ends no other job's turn.

    Args:
        minute: its beginning, in seconds since the epoch.

    Raises:
        procrastinate.exceptions.ConnectorException: the database is away; every other turn would wait for it in vain.
    """
    periodic = [(job, job.every) for job in runtime.jobs if job.every is not None]
    for organisation_id, (job, every) in product(runtime.tenants.ids(), periodic):
        try:
            if _has(runtime, organisation_id, job):
                for moment in turns(job.name, organisation_id, every, minute, minute + MINUTE_S):
                    await _defer(app, job, organisation_id, moment)
        except Exception as error:
            if isinstance(error.__cause__, psycopg.OperationalError):
                raise
            reason = described(error.__cause__ or error)
            log.exception("job.not_deferred", job=job.name, organisation=organisation_id, error=reason)


async def _defer(app: procrastinate.App, job: Job, organisation_id: str, moment: int) -> None:
    lock = lock_of(job.name, organisation_id)
    wait = {"seconds": max(0, moment - int(time.time()))}
    task = app.configure_task(job.name, lock=lock, queueing_lock=lock, schedule_in=wait)
    try:
        await task.defer_async(organisation_id=organisation_id)
    except (procrastinate.exceptions.AlreadyEnqueued, AssertionError) as error:
        if not _is_still_waiting(error):
            raise
        log.info("job.still_waiting", job=job.name, organisation=organisation_id)


def _is_still_waiting(error: Exception) -> bool:
    # Procrastinate 3.10 expects the error to tell which lock it is about, and asserts it. Of a table with policies
    # PostgreSQL does not tell.
    return not isinstance(error, AssertionError) or isinstance(error.__context__, UniqueViolation)


def _has(runtime: Runtime, organisation_id: str, job: Job) -> bool:
    """Whether an organisation has enabled the plugin whose job it is; the core's jobs are everybody's."""
    return job.owner in runtime.tenants.plugins_of(organisation_id) or job.owner not in runtime.plugins.names
