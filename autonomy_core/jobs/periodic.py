"""Periodic jobs: the worker defers them, for each organisation at its own time within the period.

Once a minute one of the workers defers the runs of that minute. A job that is still queued is not deferred
again, and a job that takes longer than its period does not run twice at the same time. Runs that were due
while no worker was running are skipped.
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
    """Register a periodic job. A failure is logged, and the next run is the next attempt."""

    @app.task(name=job.name, pass_context=True)
    def task(context: procrastinate.JobContext, organisation_id: str, **arguments: Any) -> None:
        # The organisation, or its plugin, may have been disabled since the job was deferred.
        with suppress(Exception):
            attempt(runtime, job, context.job, organisation_id, arguments)


def add_schedule(app: procrastinate.App, runtime: Runtime) -> None:
    """Register the task that defers the periodic jobs of each minute."""

    @app.periodic(cron="* * * * *")
    @app.task(name="jobs.defer_periodic")
    async def schedule(timestamp: int) -> None:
        await defer_due(app, runtime, timestamp)


async def defer_due(app: procrastinate.App, runtime: Runtime, minute: int) -> None:
    """Defer the runs of one minute, each at its second. A failure is logged and does not affect other jobs.

    Args:
        app: the Procrastinate application.
        runtime: the process's runtime.
        minute: the beginning of the minute, in seconds since the epoch.

    Raises:
        procrastinate.exceptions.ConnectorException: the database is unavailable, for all other jobs too.
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
    # Procrastinate 3.10 asserts that the error names the lock. For a table with row-level security,
    # PostgreSQL does not name it.
    return not isinstance(error, AssertionError) or isinstance(error.__context__, UniqueViolation)


def _has(runtime: Runtime, organisation_id: str, job: Job) -> bool:
    """Return whether a job runs in the organisation.

    A job of a plugin does if the organisation has the plugin. A job of the core for some plugins does if the
    organisation has one of them. Any other job of the core always does.
    """
    wanted = frozenset({job.owner}) if job.owner in runtime.plugins.names else job.plugins
    return wanted is None or not wanted.isdisjoint(runtime.tenants.plugins_of(organisation_id))
