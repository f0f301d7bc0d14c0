"""Pooled connections that are used by one organisation after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from pyramid.threadlocal import get_current_request
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from autonomy_core.db.database import Database
from autonomy_core.plugin_api.errors import Conflict
from autonomy_core.plugin_api.jobs import defer
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy
from autonomy_core.testing.conformance import UNCHECKED
from autonomy_core.traversal.request import end_reading
from tests.isolation import intruder

SEEN = text("SELECT DISTINCT organisation_id FROM products")
JOBS_SEEN = text("SELECT DISTINCT args->>'organisation_id' FROM procrastinate_jobs")
BACKEND = text("SELECT pg_backend_pid()")
FAILING = text("SELECT 1 / 0")


@pytest.fixture
def shops(committed: Autonomy) -> Autonomy:
    """Two organisations with a product and a job each."""
    for organisation in ("acme", "beacon"):
        committed.organisation(organisation, plugins=(stand_ins.NAME, intruder.NAME))
        committed.product(organisation)
        with committed.scope(organisation) as scope:
            defer(scope, intruder.JOB)
    return committed


@pytest.fixture
def single(shops: Autonomy) -> Iterator[Database]:
    """A pool of one connection, which all sessions use in turn."""
    database = Database(shops.database.url, pool_size=1)
    yield database
    database.dispose()


def seen(session: Session | Connection) -> set[str]:
    return set(session.scalars(SEEN))


def own(session: Session) -> set[str]:
    return {session.info["organisation_id"]} - {None}


def commits(session: Session) -> None:
    session.commit()


def rolls_back(session: Session) -> None:
    session.rollback()


def fails(session: Session) -> None:
    with pytest.raises(DBAPIError):
        session.execute(FAILING)
    session.rollback()


def leaves_a_savepoint(session: Session) -> None:
    session.begin_nested()
    session.close()


def fails_in_a_savepoint(session: Session) -> None:
    with pytest.raises(DBAPIError), session.begin_nested():
        session.execute(FAILING)
    assert seen(session) == own(session)
    session.commit()


def goes_on_in_a_second_transaction(session: Session) -> None:
    session.commit()
    assert seen(session) == own(session)
    session.commit()


ENDINGS = [
    commits,
    rolls_back,
    fails,
    leaves_a_savepoint,
    fails_in_a_savepoint,
    goes_on_in_a_second_transaction,
]


@pytest.mark.parametrize("end", ENDINGS)
def test_a_pooled_connection_carries_no_state_to_another_organisation(
    single: Database, end: Callable[[Session], None]
) -> None:
    backends = set()
    for organisation in ("acme", "beacon", None, "beacon", "acme"):
        with single.session(organisation) as session:
            backends.add(session.scalar(BACKEND))
            assert seen(session) == own(session)
            end(session)
        with single.engine.connect() as nobodys:
            assert seen(nobodys) == set()
    assert len(backends) == 1, "the pool has more than one connection, so this proves nothing"


def test_a_leftover_session_setting_is_overwritten(
    single: Database,
) -> None:
    def leave_behind() -> None:
        with single.session("acme") as session:
            session.execute(text("SELECT set_config('autonomy.organisation', 'acme', false)"))
            session.execute(text("SELECT set_config('autonomy.worker', 'on', false)"))
            session.commit()

    leave_behind()
    for organisation, visible in (("beacon", {"beacon"}), (None, set())):
        with single.session(organisation) as session:
            assert seen(session) == visible
            assert set(session.scalars(JOBS_SEEN)) == visible


def test_a_temporary_table_does_not_outlive_its_organisation(autonomy: Autonomy) -> None:
    autonomy.organisation("acme")
    for statement in (
        "CREATE TEMP TABLE products AS SELECT * FROM products",
        "CREATE TEMP VIEW mine AS SELECT 1",
    ):
        with pytest.raises(DBAPIError, match="permission denied"), autonomy.scope() as scope:
            scope.session.execute(text(statement))


def in_turns(shops: Autonomy, act: Callable[[TenantScope], None]) -> list[set[str]]:
    """The rows that requests of both organisations see, before and after a change."""
    answers: list[set[str]] = []

    def look_and_act(scope: TenantScope) -> None:
        answers.append(seen(scope.session))
        act(scope)
        answers.append(seen(scope.session))

    intruder.orders.act = look_and_act
    for organisation in ("acme", "beacon", "acme", "beacon"):
        shops.app.post(f"/{organisation}/api/v1/intrude", expect_errors=True, extra_environ=UNCHECKED)
    return answers


def test_a_requests_second_transaction_has_the_same_organisation(
    shops: Autonomy,
) -> None:
    answers = in_turns(shops, lambda scope: end_reading(get_current_request()))
    assert answers == [{"acme"}, {"acme"}, {"beacon"}, {"beacon"}] * 2


def test_a_failed_request_leaves_no_state_for_the_next(shops: Autonomy) -> None:
    def fail(scope: TenantScope) -> None:
        scope.session.execute(text("SELECT set_config('autonomy.organisation', 'acme', false)"))
        with suppress(DBAPIError):
            scope.session.execute(FAILING)
        raise Conflict

    assert in_turns(shops, fail) == [{"acme"}, {"beacon"}] * 2
