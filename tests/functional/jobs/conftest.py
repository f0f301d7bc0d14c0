import asyncio
import json

import pytest
from sqlalchemy import text

from autonomy_core.jobs.rescue import release_waiting
from autonomy_core.jobs.retrying import QUEUE
from autonomy_core.jobs.worker import make_app


@pytest.fixture
def queue():
    """Insert any job into the queue, also an unknown one; return its id."""

    def queue(scope, name, arguments=None, queue_name="default", **columns):
        arguments = {"organisation_id": scope.organisation.id, **(arguments or {})}
        values = {"queue": queue_name, "name": name, "args": json.dumps(arguments), **columns}
        names = "".join(f", {column}" for column in columns)
        marks = "".join(f", :{column}" for column in columns)
        statement = (
            f"INSERT INTO procrastinate_jobs (queue_name, task_name, args{names})"
            f" VALUES (:queue, :name, CAST(:args AS jsonb){marks}) RETURNING id"
        )
        return scope.session.scalar(text(statement), values)

    return queue


async def _work(runtime):
    app = make_app(runtime)
    # Exclude jobs that fall due in the minute in which the test runs.
    app.periodic_registry.periodic_tasks.clear()
    async with app.open_async():
        await release_waiting(app, runtime)
        await app.run_worker_async(
            wait=False, install_signal_handlers=False, delete_jobs="successful", queues=[QUEUE]
        )


@pytest.fixture
def work():
    """Run a worker for one minute: it releases runnable jobs and runs those that are due."""
    return lambda runtime: asyncio.run(_work(runtime))
