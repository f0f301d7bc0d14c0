"""A job that cannot run is refused when it is deferred."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from autonomy_core.jobs.services import defer as defer_any
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.plugin_api.jobs import NotDeferrable, defer


def send(scope, *, to, copies=1): ...


def look(scope): ...


def anything(scope, **arguments): ...


@pytest.fixture
def scope(autonomy):
    autonomy.organisation("acme")
    jobs = (
        Job("stand_ins.send", send),
        Job("stand_ins.look", look, every=3600),
        Job("stand_ins.any", anything),
    )
    with autonomy.scope() as scope:
        yield replace(scope, _runtime=replace(runtime_of(scope), jobs=(*runtime_of(scope).jobs, *jobs)))


def test_a_valid_job_is_deferred(autonomy, scope):
    defer(scope, "stand_ins.send", to="ada", copies=2)
    assert [job["args"] for job in autonomy.jobs()] == [{"organisation_id": "acme", "to": "ada", "copies": 2}]


def test_an_unknown_job_is_refused_with_the_known_names(scope):
    with pytest.raises(NotDeferrable, match=r"job stand_ins\.sned: there is none .* stand_ins\.send"):
        defer(scope, "stand_ins.sned", to="ada")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "missing a required argument: 'to'"),
        ({"to": "ada", "form": "letter"}, "unexpected keyword argument 'form'"),
        ({"to": UUID(int=1)}, "its argument to cannot be written as JSON"),
        ({"to": Decimal(1)}, "its argument to cannot be written as JSON"),
        ({"to": float("nan")}, "its argument to cannot be written as JSON"),
        ({"to": "a\x00da"}, "its argument to contains a character that cannot be stored"),
        ({"to": ["ada", {"name": "half a \ud800"}]}, "its argument to contains a character"),
        ({"to": {"\x00": 1}}, "its argument to contains a character"),
    ],
)
def test_arguments_that_the_job_does_not_take_are_refused(scope, arguments, says):
    with pytest.raises(NotDeferrable, match=rf"job stand_ins\.send: .*{says}"):
        defer(scope, "stand_ins.send", **arguments)


def test_a_backslash_is_a_character_like_others(autonomy, scope):
    defer(scope, "stand_ins.send", to="\\u0000 \U0001f600")
    assert autonomy.jobs()[0]["args"]["to"] == "\\u0000 \U0001f600"


def test_the_organisation_of_a_job_cannot_be_an_argument(scope):
    with pytest.raises(NotDeferrable, match="the scope determines it"):
        defer(scope, "stand_ins.any", organisation_id="globex")


@pytest.mark.parametrize("name", ["payments.refund", "payments.sweep", "idempotency.purge"])
def test_a_plugin_does_not_defer_the_core_s_own_jobs(autonomy, scope, name):
    with pytest.raises(NotDeferrable, match=rf"job {name}: it is the core's own"):
        defer(scope, name)
    assert autonomy.jobs() == []


def test_the_core_defers_its_own_jobs(autonomy, scope):
    defer_any(scope, "payments.sweep")
    assert [job["task_name"] for job in autonomy.jobs()] == ["payments.sweep"]


def test_a_periodic_job_deferred_by_hand_takes_the_jobs_lock(scope):
    from sqlalchemy import text

    defer(scope, "stand_ins.look")
    assert scope.session.scalar(text("SELECT lock FROM procrastinate_jobs")) == "stand_ins.look/acme"


@pytest.mark.parametrize("argument", ["organisation_id", "in_seconds"])
def test_a_job_with_a_reserved_argument_name_is_refused(argument):
    function = eval(f"lambda scope, {argument}: None")
    with pytest.raises(TypeError, match=f"call its argument '{argument}' something else"):
        Job("a.job", function)
