"""Jobs of killed workers, or of workers that did not know them, run again after a wait."""

import asyncio
from dataclasses import replace

import pytest
from procrastinate.periodic import PeriodicDeferrer
from sqlalchemy import NullPool, create_engine, make_url, text
from structlog.testing import capture_logs

from autonomy_core.jobs.rescue import RescueFailed, release_waiting, rescue_jobs
from autonomy_core.jobs.retrying import QUEUE, WAITING_QUEUE
from autonomy_core.jobs.worker import make_app
from autonomy_core.kernel.jobs import Job

pytestmark = pytest.mark.concurrent

PRESENT = "SELECT status::text, attempts, scheduled_at > now() AS later FROM procrastinate_jobs"


@pytest.fixture
def left(committed, queue):
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


def test_a_job_that_kills_its_worker_is_given_up_in_the_end(left):
    assert left("doing", 2, {"trials.job": 3}) == ("failed", 3, None)


def test_a_job_unknown_to_workers_runs_once_its_plugin_is_back(left):
    assert left("failed", 1, {"trials.job": None}) == ("todo", 2, True)


def test_an_unknown_job_waits(left):
    assert left("failed", 1, {}) == ("failed", 1, None)


def test_a_job_that_was_given_up_is_not_rescued(left):
    assert left("failed", 3, {"trials.job": 3}) == ("failed", 3, None)


def test_a_rescue_is_deferred_although_the_previous_one_waits(committed):
    async def two_minutes():
        app = make_app(committed.runtime)
        async with app.open_async():
            deferrer = PeriodicDeferrer(app.periodic_registry)
            for minute in (60, 120):
                tasks = app.periodic_registry.periodic_tasks.values()
                await deferrer.defer_jobs([(task, minute) for task in tasks])
            return sorted(job.task_name for job in await app.job_manager.list_jobs_async(status="todo"))

    assert asyncio.run(two_minutes()) == ["jobs.defer_periodic"] * 2 + ["jobs.rescue_stalled"] * 2


PERIODIC = {"lock": "trials.look/acme", "queueing_lock": "trials.look/acme"}


def test_a_periodic_job_back_with_its_plugin_does_not_stop_the_rescue(committed, queue):
    committed.organisation("acme")
    with committed.scope() as scope:
        queue(scope, "trials.look", status="failed", attempts=1, **PERIODIC)
        queue(scope, "trials.job", status="failed", attempts=1)
        queue(scope, "trials.job", status="doing")
    asyncio.run(rescue(committed, {"trials.look": None, "trials.job": None}))
    with committed.scope() as scope:
        statement = text("SELECT task_name, status::text FROM procrastinate_jobs")
        assert [tuple(row) for row in scope.session.execute(statement)] == [("trials.job", "todo")] * 2


@pytest.fixture
def a_job_that_cannot_be_taken_up(committed, postgresql, queue):
    """The database refuses to change it."""
    committed.organisation("acme")
    with committed.scope() as scope:
        queue(scope, "trials.bad", status="doing")
        queue(scope, "trials.job", status="doing")
    owner = create_engine(postgresql.url(make_url(committed.database.url).database), poolclass=NullPool)
    with owner.begin() as connection:
        connection.execute(text(REFUSE))
        connection.execute(text(GUARD))


REFUSE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'this job stays as it is'; END $$
"""
GUARD = """
    CREATE TRIGGER refuse BEFORE UPDATE ON procrastinate_jobs FOR EACH ROW
    WHEN (OLD.task_name = 'trials.bad' AND NEW.status <> 'doing') EXECUTE FUNCTION refuse()
"""


def test_a_job_that_cannot_be_rescued_blocks_no_other(committed, a_job_that_cannot_be_taken_up):
    with capture_logs() as lines, pytest.raises(RescueFailed, match="1 jobs"):
        asyncio.run(rescue(committed, {"trials.bad": None, "trials.job": None}))
    (failed,) = [line for line in lines if line["event"] == "job.rescue_failed"]
    assert failed["job"] == "trials.bad"
    assert "this job stays as it is" in failed["error"]
    with committed.scope() as scope:
        statement = text("SELECT task_name, status::text FROM procrastinate_jobs ORDER BY task_name")
        found = dict(scope.session.execute(statement).all())
    assert found == {"trials.bad": "doing", "trials.job": "todo"}


async def pass_minute(autonomy, jobs, minute):
    app = make_app(replace(autonomy.runtime, jobs=jobs))
    tasks = app.periodic_registry.periodic_tasks
    (rescue,) = (task for task in tasks.values() if task.task.name == "jobs.rescue_stalled")
    tasks.clear()
    async with app.open_async():
        await PeriodicDeferrer(app.periodic_registry).defer_jobs([(rescue, minute)])
        await app.run_worker_async(
            wait=False, install_signal_handlers=False, delete_jobs="successful", queues=[QUEUE]
        )


def test_readiness_shows_failing_and_recovered_rescues(committed, postgresql, a_job_that_cannot_be_taken_up):
    jobs = (Job("trials.bad", print), Job("trials.job", print))

    def rescued():
        return committed.app.get("/health/ready", extra_environ={"REMOTE_ADDR": "127.0.0.1"}).json["checks"][
            "rescue"
        ]

    assert rescued() == {"status": "ok"}
    asyncio.run(pass_minute(committed, jobs, 60))
    assert rescued()["status"] == "degraded"
    assert "job.rescue_failed" in rescued()["detail"][0]
    with committed.scope() as scope:
        scope.session.execute(text("DELETE FROM procrastinate_jobs"))
    asyncio.run(pass_minute(committed, jobs, 120))
    assert rescued() == {"status": "ok"}
    with committed.scope() as scope:
        scope.session.execute(text("SELECT set_config('autonomy.worker', 'on', true)"))
        assert scope.session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0


WAITING = text("SELECT task_name FROM procrastinate_jobs WHERE queue_name = 'waiting'")


def test_a_waiting_job_runs_although_another_cannot_be_rescued(
    committed, a_job_that_cannot_be_taken_up, queue
):
    with committed.scope() as scope:
        queue(scope, "trials.late", queue_name=WAITING_QUEUE, attempts=1)
    asyncio.run(pass_minute(committed, (Job("trials.bad", print), Job("trials.late", print)), 60))
    with committed.scope() as scope:
        assert scope.session.scalars(WAITING).all() == []


def test_a_job_that_cannot_be_released_delays_no_other(committed, a_job_that_cannot_be_taken_up, queue):
    with committed.scope() as scope:
        for name in ("trials.bad", "trials.job"):
            queue(scope, name, queue_name=WAITING_QUEUE, attempts=1)
    jobs = (Job("trials.bad", print), Job("trials.job", print))

    async def release():
        runtime = replace(committed.runtime, jobs=jobs)
        app = make_app(runtime)
        async with app.open_async():
            await release_waiting(app, runtime)

    with pytest.raises(RescueFailed, match="1 jobs"):
        asyncio.run(release())
    with committed.scope() as scope:
        assert scope.session.scalars(WAITING).all() == ["trials.bad"]


def test_a_server_task_of_another_version_leaves_the_queue(committed):
    committed.organisation("acme")
    worker = text("SELECT set_config('autonomy.worker', 'on', true)")
    with committed.scope() as scope:
        scope.session.execute(worker)
        scope.session.execute(
            text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
                " VALUES ('default', 'jobs.of_a_newer_version', '{\"timestamp\": 60}')"
            )
        )
    asyncio.run(pass_minute(committed, (), 60))
    with committed.scope() as scope:
        scope.session.execute(worker)
        assert scope.session.scalars(text("SELECT task_name FROM procrastinate_jobs")).all() == []
