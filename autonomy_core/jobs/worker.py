"""The worker: takes jobs from the queue and runs each in its organisation."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import procrastinate
import psycopg
import structlog
from procrastinate import retry

from autonomy_core.jobs.domain import Job, back_off
from autonomy_core.jobs.periodic import add_periodic_task, add_schedule
from autonomy_core.jobs.running import run_job
from autonomy_core.jobs.waiting import wait_until_usable
from autonomy_core.runtime import Runtime

log = structlog.get_logger(__name__)

STALLED_AFTER_S = 30
"""A worker that has not given a sign of life for so long is dead, and its jobs are another's."""

STEADY_AFTER_S = 60
"""After a worker has worked for so long, its next failure is a first one."""

LONGEST_WAIT_S = 30
"""For so long a worker that has failed waits at most before it works again."""


class BackOff(retry.BaseRetryStrategy):
    """Try again after `back_off`, up to a job's ``max_attempts``."""

    def __init__(self, max_attempts: int | None) -> None:
        self._max_attempts = max_attempts

    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate.jobs.Job
    ) -> procrastinate.RetryDecision | None:
        """When to run a job that failed again; None to give it up."""
        if self._max_attempts is not None and job.attempts + 1 >= self._max_attempts:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": back_off(job.attempts)})


class Interrupted(Exception):
    """A job's worker has died, or did not know the job."""


def make_app(runtime: Runtime) -> procrastinate.App:
    """The Procrastinate application with every job of the core and of the plugins."""
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            # The policy of the queue lets the worker's connections, and no request's, see every job.
            conninfo=runtime.database.conninfo,
            kwargs={"options": "-c autonomy.worker=on"},
            min_size=1,
            max_size=4,
            timeout=10.0,
        )
    )
    for job in runtime.jobs:
        _add_task(app, runtime, job) if job.every is None else add_periodic_task(app, runtime, job)
    add_schedule(app, runtime)
    _add_rescue(app, runtime.jobs)
    return app


def _add_task(app: procrastinate.App, runtime: Runtime, job: Job) -> None:
    @app.task(name=job.name, retry=BackOff(job.max_attempts))
    def task(organisation_id: str, **arguments: Any) -> None:
        run_job(runtime, job, organisation_id, arguments)


def _add_rescue(app: procrastinate.App, jobs: Sequence[Job]) -> None:
    most_attempts = {job.name: job.max_attempts for job in jobs}

    # Without a queueing lock: one that cannot be had would end the worker, see `periodic`. And without a lock, which one
    # whose worker has died would hold for ever.
    @app.periodic(cron="* * * * *")
    @app.task(name="jobs.rescue_stalled", pass_context=True)
    async def rescue(context: procrastinate.JobContext, timestamp: int) -> None:
        await rescue_jobs(app, most_attempts)


async def rescue_jobs(app: procrastinate.App, most_attempts: Mapping[str, int | None]) -> None:
    """Take up again what a dead worker had in hand, and what a worker without the job's plugin refused.

    Both count as failures, so that a job that kills its worker is not back at once, nor for ever.

    Args:
        most_attempts: by the name of every job that is known here, its ``max_attempts``.
    """
    for stalled in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
        await _try_again(app, stalled, most_attempts.get(stalled.task_name))
    for refused in await app.job_manager.list_jobs_async(status="failed"):
        most = most_attempts.get(refused.task_name, 0)
        if most is None or refused.attempts < most:
            await _try_again(app, refused, None)


async def _try_again(app: procrastinate.App, job: procrastinate.jobs.Job, most_attempts: int | None) -> None:
    if job.queueing_lock is not None:
        # A periodic one: its next turn, which may be waiting already, stands in for it.
        await app.job_manager.finish_job(job, procrastinate.jobs.Status.FAILED, delete_job=True)
        return
    decision = BackOff(most_attempts).get_retry_decision(exception=Interrupted(), job=job)
    log.warning("job.rescued", job=job.task_name, job_id=job.id, given_up=decision is None)
    if decision is None:
        await app.job_manager.finish_job(job, procrastinate.jobs.Status.FAILED, delete_job=False)
    else:
        await app.job_manager.retry_job(job, retry_at=decision.retry_at)


async def run(runtime: Runtime, *, concurrency: int) -> None:
    """Work until SIGINT or SIGTERM; then finish the jobs at hand. While the database is away, wait for it.

    Args:
        concurrency: how many jobs at once, each in a thread.
    """
    stopping = asyncio.Event()
    working = asyncio.create_task(_keep_working(runtime, concurrency, stopping))

    def stop() -> None:
        stopping.set()
        working.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await working
    log.info("worker.stopped")


async def _keep_working(runtime: Runtime, concurrency: int, stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    event, failures = "worker.started", 0
    while not stopping.is_set():
        await wait_until_usable(runtime)
        began, reason = loop.time(), "connection lost"
        try:
            await _work(runtime, concurrency, event)
        except (procrastinate.exceptions.ConnectorException, psycopg.Error) as error:
            reason = str(error.__cause__ or error)
        if stopping.is_set():
            return
        failures = 0 if loop.time() - began > STEADY_AFTER_S else failures + 1
        wait = min(2**failures, LONGEST_WAIT_S)
        log.error("worker.failed", reason=reason, again_in_s=wait)
        await asyncio.sleep(wait)
        event = "worker.restarted"


async def _work(runtime: Runtime, concurrency: int, event: str) -> None:
    """Work until cancelled. Procrastinate returns or raises when it has lost the database, and logs why."""
    app = make_app(runtime)
    async with app.open_async():
        log.info(event, concurrency=concurrency)
        await app.run_worker_async(
            concurrency=concurrency,
            install_signal_handlers=False,
            delete_jobs="successful",
            fetch_job_polling_interval=1.0,
            update_heartbeat_interval=5.0,
            stalled_worker_timeout=float(STALLED_AFTER_S),
            shutdown_graceful_timeout=20.0,
        )
