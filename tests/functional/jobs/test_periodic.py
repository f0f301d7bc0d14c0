"""Periodic jobs: the worker defers them once per organisation that has the plugin."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from procrastinate.exceptions import ConnectorException
from sqlalchemy import NullPool, create_engine, make_url, text
from structlog.testing import capture_logs

from autonomy_core.jobs.periodic import MINUTE_S, defer_due
from autonomy_core.jobs.rescue import rescue_jobs
from autonomy_core.jobs.worker import make_app
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.retries import TryAgain

pytestmark = pytest.mark.concurrent

HOUR = 3600
SOME_HOUR = 480_000 * HOUR
"""A time in the past, so that each job is due at once."""


class Ran:
    """The runs of the jobs."""

    def __init__(self):
        self.organisations = Counter()
        self.outcome = None

    def job(self, scope):
        self.organisations[scope.organisation.id] += 1
        if self.outcome is not None:
            raise self.outcome


@pytest.fixture
def ran():
    return Ran()


@pytest.fixture
def runtime(committed, ran):
    """A worker's, with one periodic job of the core, one of a plugin, and one that is not periodic."""
    committed.organisation("acme", plugins=("stand_ins",))
    committed.organisation("beacon", plugins=())
    jobs = (
        Job("core.look", ran.job, every=HOUR),
        Job("stand_ins.look", lambda scope: ran.organisations.update(["of the plugin"]), every=HOUR),
        Job("core.once", ran.job),
    )
    return replace(committed.runtime, jobs=jobs)


def during(runtime, hour=SOME_HOUR, minutes=60, *, work=False):
    """Let workers defer jobs for an hour, and run them if `work`."""

    async def run():
        app = make_app(runtime)
        # Exclude jobs that fall due in the minute in which the test runs.
        app.periodic_registry.periodic_tasks.clear()
        async with app.open_async():
            for minute in range(hour, hour + minutes * MINUTE_S, MINUTE_S):
                await defer_due(app, runtime, minute)
            if work:
                await app.run_worker_async(
                    wait=False, install_signal_handlers=False, delete_jobs="successful"
                )

    asyncio.run(run())


def waiting(autonomy):
    return {name: [job["task_name"] for job in autonomy.jobs(name)] for name in ("acme", "beacon")}


def test_each_organisation_with_the_plugin_has_one_turn_per_period(committed, runtime):
    during(runtime)
    assert {name: sorted(jobs) for name, jobs in waiting(committed).items()} == {
        "acme": ["core.look", "stand_ins.look"],
        "beacon": ["core.look"],
    }


def test_a_job_for_plugins_has_turns_only_where_one_is_enabled(committed, runtime):
    jobs = (
        Job("core.look", print, every=HOUR, plugins=frozenset({"stand_ins"})),
        Job("core.listen", print, every=HOUR, plugins=frozenset()),
    )
    during(replace(runtime, jobs=jobs))
    assert waiting(committed) == {"acme": ["core.look"], "beacon": []}


def test_a_waiting_turn_is_not_deferred_again(committed, runtime):
    for number in range(3):
        during(runtime, SOME_HOUR + number * HOUR)
    assert [len(jobs) for jobs in waiting(committed).values()] == [2, 1]


def test_a_turn_runs_in_its_organisation_and_the_next_follows(committed, runtime, ran):
    during(runtime, work=True)
    assert ran.organisations == {"acme": 1, "beacon": 1, "of the plugin": 1}
    during(runtime, SOME_HOUR + HOUR, work=True)
    assert ran.organisations == {"acme": 2, "beacon": 2, "of the plugin": 2}
    assert waiting(committed) == {"acme": [], "beacon": []}


@pytest.mark.parametrize("outcome", [LookupError("gone"), TryAgain("later")])
def test_a_failed_turn_leaves_nothing_and_the_next_turn_runs(committed, runtime, ran, outcome):
    ran.outcome = outcome
    during(runtime, work=True)
    assert waiting(committed) == {"acme": [], "beacon": []}
    ran.outcome = None
    during(runtime, SOME_HOUR + HOUR, work=True)
    assert ran.organisations["beacon"] == 2


def test_an_organisation_without_a_file_has_no_turn(committed, runtime, ran):
    during(runtime)
    (committed.runtime.settings.tenants / "beacon.ini").unlink()
    committed.runtime.tenants.reload()
    during(runtime, minutes=0, work=True)
    assert ran.organisations == {"acme": 1, "of the plugin": 1}


REFUSE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'this job is not wanted' USING ERRCODE = '{code}'; END $$
"""
GUARD = """
    CREATE TRIGGER refuse BEFORE INSERT ON procrastinate_jobs FOR EACH ROW
    WHEN (NEW.task_name = 'core.look') EXECUTE FUNCTION refuse()
"""


@pytest.fixture
def a_job_that_cannot_be_deferred(refuse):
    """The database refuses the core's job, in each organisation."""
    refuse("raise_exception")


@pytest.fixture
def refuse(committed, postgresql):
    return lambda code: _refuse(committed, postgresql, code)


def _refuse(committed, postgresql, code):
    owner = create_engine(postgresql.url(make_url(committed.database.url).database), poolclass=NullPool)
    with owner.begin() as connection:
        connection.execute(text(REFUSE.format(code=code)))
        connection.execute(text(GUARD))


def test_a_turn_that_cannot_be_deferred_affects_no_other_turn(
    committed, runtime, a_job_that_cannot_be_deferred
):
    # Of jobs with a period of a minute, each has a turn in every minute.
    jobs = (Job("core.look", print, every=MINUTE_S), Job("core.listen", print, every=MINUTE_S))
    with capture_logs() as lines:
        during(replace(runtime, jobs=jobs), minutes=1)
    failed = [line for line in lines if line["event"] == "job.not_deferred"]
    assert [(line["job"], line["organisation"]) for line in failed] == [
        ("core.look", "acme"),
        ("core.look", "beacon"),
    ]
    assert all("this job is not wanted" in line["error"] for line in failed)
    assert waiting(committed) == {"acme": ["core.listen"], "beacon": ["core.listen"]}


def test_a_database_outage_is_met_once_not_once_per_turn(committed, runtime, refuse):
    refuse("admin_shutdown")
    jobs = (Job("core.look", print, every=MINUTE_S), Job("core.listen", print, every=MINUTE_S))
    with pytest.raises(ConnectorException):
        during(replace(runtime, jobs=jobs), minutes=1)
    assert waiting(committed) == {"acme": [], "beacon": []}


def test_a_turn_of_a_killed_worker_is_dropped_for_the_next(committed, runtime):
    async def die_in_the_middle():
        app = make_app(runtime)
        async with app.open_async():
            await app.connector.execute_query_async("UPDATE procrastinate_jobs SET status = 'doing'")
            for minute in range(SOME_HOUR + HOUR, SOME_HOUR + 2 * HOUR, MINUTE_S):
                await defer_due(app, runtime, minute)
            await rescue_jobs(app, {"core.look": None})

    during(runtime)
    asyncio.run(die_in_the_middle())
    assert [len(jobs) for jobs in waiting(committed).values()] == [2, 1]


def test_the_core_removes_expired_keys_every_hour(committed):
    jobs = {job.name: job.every for job in committed.runtime.jobs}
    assert jobs["idempotency.purge"] == HOUR
