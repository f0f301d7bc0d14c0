"""Processes killed at each point of a request: nothing is lost, done twice or blocked for long.

``Killed`` passes through everything, as no exception does, and the key is not released: the process is gone.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import func, select

from autonomy_core.catalog.services import create_product
from autonomy_core.errors import Conflict
from autonomy_core.idempotency import services
from tests.functional.idempotency import works
from tests.functional.idempotency.shop import is_replay

pytestmark = pytest.mark.concurrent

TIMEOUT_S = 120


class Killed(BaseException):
    """The process ends here."""


def kill(*_):
    raise Killed


def before_anything_is_done(request):
    works.orders.before = kill


def after_the_work(request):
    works.orders.after = kill


def after_a_first_part_was_committed(request):
    def commit_and_die(request):
        values = {"title": "A work", "description": "", "kind": "thing", "amount": 1, "active": True}
        with request.context.scope.begin() as own:
            create_product(own, values, actor="test")
        raise Killed

    works.orders.before = commit_and_die


def after_the_answer_was_written_and_before_it_was_committed(request):
    works.orders.after = lambda request: request.tm.get().addBeforeCommitHook(kill)


def after_the_commit_and_before_the_client_was_answered(request):
    works.orders.after = lambda request: request.add_response_callback(kill)


@pytest.fixture
def shop(committed_shop):
    return committed_shop


@pytest.fixture
def killed(shop, monkeypatch):
    """Kill the process of a request at a point; return the rows that it has left."""

    def killed(point):
        with monkeypatch.context() as patched:
            patched.setattr(services, "release", lambda *_: None)
            point(None)
            with pytest.raises(Killed):
                shop.work()
        works.orders.before = works.orders.after = None
        return shop.works

    return killed


@pytest.mark.parametrize(
    ("point", "left"),
    [
        (before_anything_is_done, []),
        (after_the_work, []),
        (after_a_first_part_was_committed, ["A work"]),
        (after_the_answer_was_written_and_before_it_was_committed, []),
    ],
)
def test_a_killed_request_is_repeatable_after_its_lease(shop, killed, point, left):
    assert killed(point) == left
    refused = shop.work(status=409)
    assert refused.json["code"] == "idempotency_in_progress"
    assert 1 <= int(refused.headers["Retry-After"]) <= 120
    assert refused.json["retry_after"] == int(refused.headers["Retry-After"])
    shop.let_the_lease_end()
    assert not is_replay(shop.work(status=201))
    assert is_replay(shop.work(status=201))
    assert shop.works == [*left, "A work"]


def test_a_killed_view_with_own_transactions_is_repeatable(shop, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(services, "release", lambda *_: None)
        patched.setattr(services, "keep", kill)
        with pytest.raises(Killed):
            shop.post("steps")
    assert shop.works == ["A step"]
    assert shop.post("steps", status=409).json["code"] == "idempotency_in_progress"
    shop.let_the_lease_end()
    assert [is_replay(shop.post("steps", status=201)) for _ in range(2)] == [False, True]
    assert shop.works == ["A step", "A step"]


def test_a_request_killed_after_its_commit_has_its_answer_stored(shop, killed):
    assert killed(after_the_commit_and_before_the_client_was_answered) == ["A work"]
    assert is_replay(shop.work(status=201))
    assert shop.works == ["A work"]


def test_the_key_of_a_killed_process_expires_after_a_day(shop, killed):
    killed(after_the_work)
    shop.let_pass(timedelta(days=1, minutes=3))
    with shop.autonomy.scope() as scope:
        services.purge(scope)
    assert shop.rows == []


def test_a_refusal_killed_before_the_release_ends_with_the_lease(shop, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(services, "release", lambda *_: None)
        shop.post("works", {"unknown": 1}, status=422)
    shop.work(status=409)
    shop.let_the_lease_end()
    shop.work(status=201)


def test_a_key_that_cannot_be_released_does_not_change_the_answer(shop, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(services, "delete", lambda _: select(func.no_such_function()))
        shop.post("works", {"unknown": 1}, status=422)
    shop.work(status=409)
    shop.let_the_lease_end()
    shop.work(status=201)


def test_a_slow_request_whose_key_was_taken_over_is_rolled_back(shop):
    """The slow request finds its key taken over when it stores its answer, and is rolled back."""
    begun, overtaken = Event(), Event()

    def dawdle(request):
        works.orders.after = None
        begun.set()
        assert overtaken.wait(TIMEOUT_S)

    works.orders.after = dawdle
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(shop.work_like_another_process)
        assert begun.wait(TIMEOUT_S)
        try:
            assert shop.work().json["code"] == "idempotency_in_progress"
            shop.let_the_lease_end()
            quick = shop.work(status=201)
        finally:
            overtaken.set()
        refused = slow.result()
    assert (refused.status_int, refused.json["code"]) == (409, "idempotency_in_progress")
    assert shop.works == ["A work"]
    again = shop.work(status=201)
    assert is_replay(again)
    assert again.json == quick.json


def test_a_slow_request_may_outlive_its_lease(shop):
    def dawdle(request):
        shop.let_the_lease_end()
        with shop.autonomy.scope() as scope:
            services.purge(scope)

    works.orders.after = dawdle
    assert [is_replay(shop.work(status=201)) for _ in range(2)] == [False, True]


def test_a_failing_slow_request_keeps_the_key_of_its_successor(shop):
    begun, overtaken = Event(), Event()

    def dawdle_and_fail(request):
        works.orders.after = None
        begun.set()
        assert overtaken.wait(TIMEOUT_S)
        raise Conflict

    works.orders.after = dawdle_and_fail
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(shop.work_like_another_process)
        assert begun.wait(TIMEOUT_S)
        try:
            shop.let_the_lease_end()
            shop.work(status=201)
        finally:
            overtaken.set()
        assert slow.result().json["code"] == "conflict"
    assert is_replay(shop.work(status=201))
