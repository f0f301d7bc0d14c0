"""The worker: takes jobs from the queue and runs each in its organisation, in one transaction (`running`)."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import Any

import procrastinate
import psycopg
import structlog

from autonomy_core.jobs.periodic import add_periodic_task, add_schedule
from autonomy_core.jobs.rescue import STALLED_AFTER_S, add_rescue
from autonomy_core.jobs.retrying import QUEUE, BackOff, TasksAndUnknown
from autonomy_core.jobs.running import attempt
from autonomy_core.jobs.waiting import wait_until_usable
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.runtime import Runtime

log = structlog.get_logger(__name__)

STEADY_AFTER_S = 60
"""After a worker has run for this time, the back-off starts again with its next failure."""

LONGEST_WAIT_S = 30
"""The longest wait after a failure, before the worker restarts."""


def make_app(runtime: Runtime) -> procrastinate.App:
    """The Procrastinate application with every job of the core and of the plugins."""
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            # The queue's policy shows all jobs to connections with this option. Requests lack it.
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
    add_rescue(app, runtime)
    app.tasks = TasksAndUnknown(app)
    return app


def _add_task(app: procrastinate.App, runtime: Runtime, job: Job) -> None:
    @app.task(name=job.name, retry=BackOff(job.max_attempts), pass_context=True)
    def task(context: procrastinate.JobContext, organisation_id: str, **arguments: Any) -> None:
        attempt(runtime, job, context.job, organisation_id, arguments)


async def run(runtime: Runtime, *, concurrency: int) -> None:
    """Run jobs until SIGINT or SIGTERM, then finish the current jobs.

    While the database is unavailable, the worker waits.

    Args:
        runtime: the process's runtime.
        concurrency: how many jobs run at the same time, each in a thread.
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
    """Run jobs until cancelled.

    Procrastinate returns or raises when it loses the database, and logs the reason.
    """
    app = make_app(runtime)
    async with app.open_async():
        log.info(event, concurrency=concurrency)
        await app.run_worker_async(
            concurrency=concurrency,
            install_signal_handlers=False,
            delete_jobs="successful",
            fetch_job_polling_interval=1.0,
            queues=[QUEUE],
            update_heartbeat_interval=5.0,
            stalled_worker_timeout=float(STALLED_AFTER_S),
            shutdown_graceful_timeout=20.0,
        )
