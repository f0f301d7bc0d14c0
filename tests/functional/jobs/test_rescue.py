"""Jobs whose worker was killed, or did not know them: taken up again, and not at once."""

import asyncio
import json

import pytest
from procrastinate.periodic import PeriodicDeferrer
from sqlalchemy import text

from autonomy_core.jobs.rescue import rescue_jobs
from autonomy_core.jobs.worker import make_app

pytestmark = pytest.mark.concurrent

PRESENT = "SELECT status::text, attempts, scheduled_at > now() AS later FROM procrastinate_jobs"


def queue(scope, name, **columns):
    """Put any job into the queue, also one that is not known here; gives its id."""
    values = {"name": name, "args": json.dumps({"organisation_id": scope.organisation.id}), **columns}
    names = "".join(f", {column}" for column in columns)
    marks = "".join(f", :{column}" for column in columns)
    statement = (
        f"INSERT INTO procrastinate_jobs (queue_name, task_name, args{names})"
        f" VALUES ('default', :name, CAST(:args AS jsonb){marks}) RETURNING id"
    )
    return scope.session.scalar(text(statement), values)


@pytest.fixture
def left(committed):
    """Leave a job behind; gives it back as it is after the rescue."""
    committed.organisation("acme")

    def left(status, attempts, most_attempts):
        with committed.scope() as scope:
            job_id = queue(scope, "trials.job")
            values = {"id": job_id, "status": status, "attempts": attempts}
            change = "UPDATE procrastinate_jobs SET status = :status, attempts = :attempts WHERE id = :id"
            scope.session.execute(text(change), values)
        asyncio.run(rescue(committed, most_attempts))
        with committed.scope() as scope:
            return tuple(scope.session.execute(text(PRESENT)).one())

    return left


async def rescue(autonomy, most_attempts):
    app = make_app(autonomy.runtime)
    async with app.open_async():
        await rescue_jobs(app, most_attempts)


def test_a_job_whose_worker_was_killed_is_run_again_after_a_wait(left):
    assert left("doing", 0, {"trials.job": None}) == ("todo", 1, True)


def test_a_job_that_kills_its_worker_is_given_up_like_one_that_fails(left):
    assert left("doing", 2, {"trials.job": 3}) == ("failed", 3, None)


def test_a_job_that_no_worker_knew_is_run_once_its_plugin_is_back(left):
    assert left("failed", 1, {"trials.job": None}) == ("todo", 2, True)


def test_a_job_that_is_still_unknown_waits(left):
    assert left("failed", 1, {}) == ("failed", 1, None)


def test_a_job_that_was_given_up_stays_given_up(left):
    assert left("failed", 3, {"trials.job": 3}) == ("failed", 3, None)


def test_the_rescue_of_a_minute_is_deferred_although_that_of_the_minute_before_still_waits(committed):
    async def two_minutes():
        app = make_app(committed.runtime)
        async with app.open_async():
            deferrer = PeriodicDeferrer(app.periodic_registry)
            for minute in (60, 120):
                tasks = app.periodic_registry.periodic_tasks.values()
                await deferrer.defer_jobs([(task, minute) for task in tasks])
            return sorted(job.task_name for job in await app.job_manager.list_jobs_async(status="todo"))

    assert asyncio.run(two_minutes()) == ["jobs.defer_periodic"] * 2 + ["jobs.rescue_stalled"] * 2
