"""Raw SQL in a plugin, wherever a plugin's code runs: its view, its hook, its job."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autonomy_core.jobs.running import run_job
from autonomy_core.plugin_api.scope import TenantScope
from tests.isolation import intruder, sql_attacks
from tests.isolation.sides import Side, World


def in_a_view(world: World, side: Side) -> None:
    world.autonomy.app.post(f"/{side.id}/api/v1/intrude")


def in_a_hook(world: World, side: Side) -> None:
    customer = world.autonomy.customer(side.id, f"another.{side.marker}@example.org")
    world.autonomy.buy(customer, world.autonomy.product(side.id))


def in_a_job(world: World, side: Side) -> None:
    job = next(job for job in world.runtime.jobs if job.name == intruder.JOB)
    run_job(world.runtime, job, side.id, {})


ATTACKS: dict[Callable[[World, Side], None], tuple[sql_attacks.Attack, ...]] = {
    in_a_view: sql_attacks.EVERY,
    in_a_hook: (sql_attacks.reading, sql_attacks.giving_away),
    in_a_job: (sql_attacks.reading, sql_attacks.giving_away),
}
"""What is tried where. The same policy decides on all of them; these show that it does so in each place."""


@pytest.fixture(params=ATTACKS)
def inside(
    request: pytest.FixtureRequest, world: World
) -> Callable[[Side, Callable[[TenantScope], list[str]]], list[str]]:
    """Run an attack in the plugin; return its breaches."""

    def run(side: Side, attack: Callable[[TenantScope], list[str]]) -> list[str]:
        answers: list[list[str]] = []
        intruder.orders.act = lambda scope: answers.append(attack(scope))
        request.param(world, side)
        assert len(answers) == 1, "the plugin's code did not run once"
        return answers[0]

    return run


def test_sql_without_a_condition_reaches_the_own_rows_only(
    world: World, inside, request: pytest.FixtureRequest
) -> None:
    attacks = ATTACKS[request.node.callspec.params["inside"]]
    for side in (world.one, world.other):
        other = world.opponent(side).id
        assert inside(side, lambda scope, other=other: sql_attacks.breaches(scope, other, attacks)) == []


def test_no_foreign_key_can_point_to_another_organisations_row(world: World, inside) -> None:
    with world.autonomy.scope(world.other.id) as scope:
        keys = sql_attacks.referred_keys(scope)
    assert keys
    assert inside(world.one, lambda scope: list(sql_attacks.pointing_across(scope, keys))) == []
