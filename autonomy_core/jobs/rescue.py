"""Recover jobs: of dead workers, of workers without the job's plugin, and in the waiting queue."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

import procrastinate
import psycopg
import structlog

from autonomy_core.jobs.failures import described
from autonomy_core.jobs.retrying import QUEUE, WAITING_QUEUE, BackOff
from autonomy_core.jobs.running import obstacle_to
from autonomy_core.kernel.runtime import Runtime

log = structlog.get_logger(__name__)

STALLED_AFTER_S = 30
"""A worker without a heartbeat for this time counts as dead, and other workers take its jobs."""

RESCUE = "jobs.rescue_stalled"

REFUSED = """
    SELECT id, status::text, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name,
           attempts
    FROM procrastinate_jobs WHERE status = 'failed' AND task_name = ANY(%(names)s)
"""
DROP_FAILED = "DELETE FROM procrastinate_jobs WHERE id = %(job_id)s AND status = 'failed'"
FORGET_RESCUES = f"""
    DELETE FROM procrastinate_jobs WHERE status = 'failed' AND task_name = '{RESCUE}'
"""  # noqa: S608
WAITING = f"""
    SELECT DISTINCT task_name, args->>'organisation_id' AS organisation_id
    FROM procrastinate_jobs WHERE queue_name = '{WAITING_QUEUE}' AND status = 'todo'
"""  # noqa: S608
# Waiting does not count as an attempt.
RELEASE = f"""
    UPDATE procrastinate_jobs
    SET queue_name = '{QUEUE}', scheduled_at = now(), attempts = greatest(attempts - 1, 0)
    WHERE queue_name = '{WAITING_QUEUE}' AND status = 'todo'
      AND task_name = %(task_name)s AND args->>'organisation_id' = %(organisation_id)s
"""  # noqa: S608


# Procrastinate keeps the last run of a periodic task, and a failed job of it.
RESCUE_FAILED = f"""
    SELECT EXISTS (SELECT FROM procrastinate_periodic_defers turn
                   JOIN procrastinate_events event ON event.job_id = turn.job_id
                   WHERE turn.task_name = '{RESCUE}' AND event.type = 'failed')
"""  # noqa: S608


class Interrupted(Exception):
    """The worker of a job died, or did not have the job."""


class RescueFailed(Exception):
    """Some jobs could not be recovered. Each of them has been logged."""


def add_rescue(app: procrastinate.App, runtime: Runtime) -> None:
    """Register the task with which one of the workers recovers jobs each minute."""
    known = {job.name: job.max_attempts for job in runtime.jobs}

    # No queueing lock: a conflict on it would stop the worker, see `periodic`. And no lock: a dead worker
    # would hold it forever.
    @app.periodic(cron="* * * * *")
    @app.task(name=RESCUE, pass_context=True)
    async def rescue(context: procrastinate.JobContext, timestamp: int) -> None:
        try:
            await rescue_jobs(app, known)
        finally:
            await release_waiting(app, runtime)
        await app.connector.execute_query_async(FORGET_RESCUES)


async def rescue_jobs(app: procrastinate.App, most_attempts: Mapping[str, int | None]) -> None:
    """Requeue the jobs of dead workers, and jobs that a worker without their plugin refused.

    Both count as failures, so that a job that kills its worker backs off and is given up eventually. If one
    job cannot be requeued, the others still are.

    Args:
        app: the Procrastinate application.
        most_attempts: ``max_attempts`` by the name of each job that is known here.

    Raises:
        RescueFailed: after all jobs, if any could not be requeued.
    """
    failures = 0
    for stalled in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
        step = _take_up_stalled(app, stalled, most_attempts.get(stalled.task_name))
        failures += not await _succeeds(step, job=stalled.task_name, job_id=stalled.id)
    rows = await app.connector.execute_query_all_async(REFUSED, names=list(most_attempts))
    for refused in (procrastinate.jobs.Job.from_row(row) for row in rows):
        most = most_attempts[refused.task_name]
        if most is None or refused.attempts < most:
            step = _take_up_refused(app, refused)
            failures += not await _succeeds(step, job=refused.task_name, job_id=refused.id)
    _require_none(failures)


async def release_waiting(app: procrastinate.App, runtime: Runtime) -> None:
    """Requeue waiting jobs whose organisation and plugin have become available.

    If one job cannot be requeued, the others still are.

    Raises:
        RescueFailed: after all jobs, if any could not be requeued.
    """
    failures = 0
    owners = {job.name: job.owner for job in runtime.jobs}
    for waiting in await app.connector.execute_query_all_async(WAITING):
        name, organisation_id = waiting["task_name"], waiting["organisation_id"]
        if name in owners and obstacle_to(runtime, owners[name], organisation_id) is None:
            step = _release(app, name, organisation_id)
            failures += not await _succeeds(step, job=name, organisation=organisation_id)
    _require_none(failures)


async def _release(app: procrastinate.App, task_name: str, organisation_id: str) -> None:
    await app.connector.execute_query_async(RELEASE, task_name=task_name, organisation_id=organisation_id)
    log.info("job.released", job=task_name, organisation=organisation_id)


async def _succeeds(step: Awaitable[None], **about: Any) -> bool:
    try:
        await step
    except (procrastinate.exceptions.ConnectorException, psycopg.Error) as error:
        log.exception("job.rescue_failed", **about, error=described(error.__cause__ or error))
        return False
    return True


def _require_none(failures: int) -> None:
    if failures:
        raise RescueFailed(f"{failures} jobs could not be recovered; see job.rescue_failed in the log")


async def _take_up_stalled(
    app: procrastinate.App, job: procrastinate.jobs.Job, most_attempts: int | None
) -> None:
    if job.queueing_lock is not None:
        # A periodic job is dropped: its next run replaces it.
        await app.job_manager.finish_job(job, procrastinate.jobs.Status.FAILED, delete_job=True)
        return
    await _try_again(app, job, most_attempts)


async def _take_up_refused(app: procrastinate.App, job: procrastinate.jobs.Job) -> None:
    if job.queueing_lock is not None:
        await app.connector.execute_query_async(DROP_FAILED, job_id=job.id)
        return
    await _try_again(app, job, None)


async def _try_again(app: procrastinate.App, job: procrastinate.jobs.Job, most_attempts: int | None) -> None:
    decision = BackOff(most_attempts).get_retry_decision(exception=Interrupted(), job=job)
    log.warning("job.rescued", job=job.task_name, job_id=job.id, given_up=decision is None)
    if decision is None:
        await app.job_manager.finish_job(job, procrastinate.jobs.Status.FAILED, delete_job=False)
    else:
        await app.job_manager.retry_job(job, retry_at=decision.retry_at)
