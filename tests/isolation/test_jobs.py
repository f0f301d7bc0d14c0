"""The queue, one table for all organisations."""

from __future__ import annotations

import pytest
from procrastinate.exceptions import ConnectorException
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from autonomy_core.jobs.running import run_job
from autonomy_core.jobs.services import _deferrer
from autonomy_core.kernel.jobs import Job
from autonomy_core.plugin_api.jobs import defer
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy
from tests.isolation import intruder

OTHERS_JOBS = "FROM procrastinate_jobs WHERE args->>'organisation_id' <> 'acme'"


@pytest.fixture
def shops(autonomy: Autonomy) -> Autonomy:
    """Two organisations with a waiting job each."""
    for organisation in ("acme", "beacon"):
        autonomy.organisation(organisation, plugins=(stand_ins.NAME, intruder.NAME))
        autonomy.product(organisation)
        with autonomy.scope(organisation) as scope:
            defer(scope, intruder.JOB, note=f"of {organisation}")
    return autonomy


def test_a_job_sees_the_rows_of_its_own_organisation(shops: Autonomy) -> None:
    seen: list[set[str]] = []
    intruder.orders.act = lambda scope: seen.append(
        set(scope.session.scalars(text("SELECT organisation_id FROM products")))
    )
    job = next(job for job in shops.runtime.jobs if job.name == intruder.JOB)
    for organisation in ("acme", "beacon", "acme"):
        run_job(shops.runtime, job, organisation, {})
    assert seen == [{"acme"}, {"beacon"}, {"acme"}]


def test_a_job_does_not_find_another_organisations_product(shops: Autonomy) -> None:
    with shops.scope("beacon") as scope:
        product_id = scope.session.scalar(text("SELECT id FROM products"))

    def look(scope: TenantScope, product_id: str) -> None:
        found = scope.session.scalar(text("SELECT count(*) FROM products WHERE id = :id"), {"id": product_id})
        assert found == 0

    run_job(shops.runtime, Job("look", look), "acme", {"product_id": product_id})


def test_raw_sql_sees_and_changes_the_own_jobs_only(shops: Autonomy) -> None:
    with shops.scope("acme") as scope:
        notes = scope.session.scalars(text("SELECT args->>'note' FROM procrastinate_jobs"))
        assert list(notes) == ["of acme"]
        assert scope.session.execute(text(f"DELETE {OTHERS_JOBS}")).rowcount == 0
        assert scope.session.execute(text("UPDATE procrastinate_jobs SET priority = 9")).rowcount == 1
    assert len(shops.jobs("beacon")) == 1


@pytest.mark.parametrize("arguments", [{"organisation_id": "beacon"}, {"organisation_id": ""}, {}])
def test_a_job_for_another_organisation_cannot_be_deferred(
    shops: Autonomy, arguments: dict[str, str]
) -> None:
    with shops.scope("acme") as scope:
        assert deferred(scope, organisation_id="acme") is None
        assert deferred(scope, **arguments) == "42501"
    assert len(shops.jobs("acme")) == len(shops.jobs("beacon")) == 1


def deferred(scope: TenantScope, **arguments: str) -> str | None:
    """Defer a job as no plugin should, and undo it; gives the SQLSTATE with which it is refused."""
    savepoint = scope.session.begin_nested()
    connection = scope.session.connection().connection.driver_connection
    try:
        _deferrer.configure_task(intruder.JOB, connection=connection).defer(**arguments)
    except ConnectorException as error:
        return str(error.__cause__.sqlstate)
    finally:
        savepoint.rollback()
    return None


def test_an_argument_cannot_change_the_organisation_of_a_job(shops: Autonomy) -> None:
    with pytest.raises(TypeError), shops.scope("acme") as scope:
        defer(scope, intruder.JOB, organisation_id="beacon")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT (procrastinate_fetch_job_v2(NULL, :worker)).id",
        "SELECT procrastinate_cancel_job_v1(:job, true, true)",
        "SELECT procrastinate_finish_job_v1(:job, 'succeeded', true)",
        "SELECT procrastinate_retry_job_v2(:job, now(), 1, 'q', NULL)",
    ],
)
def test_the_queues_own_functions_work_with_the_callers_rights(shops: Autonomy, statement: str) -> None:
    with shops.scope("beacon") as scope:
        job = scope.session.scalar(text("SELECT id FROM procrastinate_jobs"))
        before = scope.session.execute(text("SELECT * FROM procrastinate_jobs")).all()
    with shops.scope("acme") as scope:
        scope.session.execute(text("DELETE FROM procrastinate_jobs"))
        worker = scope.session.scalar(text("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id"))
        values = {"job": job, "worker": worker}
        found = answer(scope, statement, {name: values[name] for name in values if f":{name}" in statement})
    assert found in {None, NO_SUCH_JOB}
    with shops.scope("beacon") as scope:
        assert scope.session.execute(text("SELECT * FROM procrastinate_jobs")).all() == before


NO_SUCH_JOB = "P0001"


def answer(scope: TenantScope, statement: str, values: dict[str, int]) -> int | str | None:
    """The result of a function, or the SQLSTATE with which it fails."""
    try:
        with scope.session.begin_nested():
            return scope.session.scalar(text(statement), values)
    except DBAPIError as error:
        return str(error.orig.sqlstate)
