"""Items that arrive while a transaction is running go together into the next one, and none waits for ever."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

import pytest
from structlog.testing import capture_logs

from autonomy_core.db.group_commit import BatchItem, GroupCommit

TIMEOUT_S = 120
REQUEST = ContextVar("REQUEST", default=None)


class Doubling:
    """Doubles numbers, and keeps which it has doubled together.

    No item stops waiting, and no group is slow, unless a test says so.
    """

    def __init__(self, **changes):
        unhurried = ("turn_within_s", "done_within_s", "slow_group_s", "alone_for_s")
        self.commit = GroupCommit(**{**dict.fromkeys(unhurried, TIMEOUT_S), **changes})
        self.together = []
        self.own_part = lambda item: 2 * item
        self._gates = []

    def double(self, item, key="acme"):
        REQUEST.set(item)
        return self.commit.handle(key, item, self._double_all)

    def _double_all(self, items):
        self.together.append([each.item for each in items])
        if self._gates:
            reached, opened = self._gates.pop()
            reached.set()
            assert opened.wait(TIMEOUT_S)
        return [each.run(self.own_part, each.item) for each in items]

    @contextmanager
    def busy(self, threads, item=0, key="acme"):
        """One item is being handled, alone, until the end of the block; gives its future."""
        reached, opened = threading.Event(), threading.Event()
        self._gates.append((reached, opened))
        first = threads.submit(self.double, item, key)
        assert reached.wait(TIMEOUT_S)
        try:
            yield first
        finally:
            opened.set()

    def queue(self, threads, items, key="acme"):
        """Other items arrive, one after the other; gives their futures."""
        futures = []
        for item in items:
            expected = len(self.waiting(key)) + 1
            futures.append(threads.submit(self.double, item, key))
            wait_until(lambda expected=expected: len(self.waiting(key)) == expected)
        return futures

    def waiting(self, key="acme"):
        return self.commit._waiting.get(key, ())


def wait_until(holds):
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def doubling():
    return Doubling()


@pytest.fixture
def threads():
    with ThreadPoolExecutor(40) as pool:
        yield pool


def results(*futures):
    return [future.result(TIMEOUT_S) for future in futures]


def test_an_item_starts_at_once_if_none_is_being_handled(doubling):
    assert [doubling.double(1), doubling.double(2)] == [2, 4]
    assert doubling.together == [[1], [2]]


def test_items_that_arrive_meanwhile_go_together_into_the_next(doubling, threads):
    with doubling.busy(threads) as first:
        others = doubling.queue(threads, [1, 2, 3])
    assert results(first, *others) == [0, 2, 4, 6]
    assert doubling.together == [[0], [1, 2, 3]]


def test_a_group_has_a_largest_size(threads):
    doubling = Doubling(largest_group=3)
    with doubling.busy(threads):
        others = doubling.queue(threads, range(1, 8))
    assert results(*others) == [2 * item for item in range(1, 8)]
    assert doubling.together == [[0], [1, 2, 3], [4, 5, 6], [7]]


def test_an_item_of_another_key_does_not_wait(doubling, threads):
    with doubling.busy(threads):
        assert threads.submit(doubling.double, 1, "other").result(TIMEOUT_S) == 2
    assert doubling.together == [[0], [1]]


def test_each_item_is_handled_in_the_context_of_its_thread(doubling, threads):
    doubling.own_part = lambda item: (item, REQUEST.get())
    with doubling.busy(threads):
        others = doubling.queue(threads, [1, 2])
    assert results(*others) == [(1, 1), (2, 2)]
    assert doubling.together == [[0], [1, 2]]


def test_an_item_without_a_turn_in_time_goes_alone(threads):
    doubling = Doubling(turn_within_s=0.01)
    with doubling.busy(threads):
        assert results(threads.submit(doubling.double, 1), threads.submit(doubling.double, 2)) == [2, 4]
        assert not doubling.waiting()
    assert sorted(doubling.together) == [[0], [1], [2]]


def test_an_item_without_a_result_in_time_gets_none(doubling, threads, monkeypatch):
    end, wait = threading.Event(), BatchItem.wait

    def wait_until_taken(item, seconds):
        if item.item != 2:
            return wait(item, seconds)
        return wait_until(lambda: item not in doubling.waiting())

    def hang(item):
        assert item != 1 or end.wait(TIMEOUT_S)
        return 2 * item

    monkeypatch.setattr(BatchItem, "wait", wait_until_taken)
    with doubling.busy(threads) as first:
        slow, impatient, patient = doubling.queue(threads, [1, 2, 3])
        doubling.own_part = hang
    assert impatient.result(TIMEOUT_S) is None
    end.set()
    assert results(first, slow, patient) == [0, 2, 6]


def test_after_a_slow_group_the_items_go_alone(threads):
    doubling = Doubling(slow_group_s=-1)
    with doubling.busy(threads):
        others = doubling.queue(threads, [1, 2, 3])
    assert results(*others) == [2, 4, 6]
    assert sorted(doubling.together) == [[0], [1], [2], [3]]
    with doubling.busy(threads):
        assert threads.submit(doubling.double, 4).result(TIMEOUT_S) == 8


def test_a_slow_group_is_logged():
    doubling = Doubling(slow_group_s=-1)
    with capture_logs() as lines:
        doubling.double(1)
    assert [(line["event"], line["key"], line["together"], line["for_s"]) for line in lines] == [
        ("group_commit.set_apart", "acme", 1, TIMEOUT_S)
    ]


def test_the_items_of_another_key_still_go_together(threads):
    doubling = Doubling(slow_group_s=-1)
    doubling.double(1)
    doubling.commit.slow_group_s = TIMEOUT_S
    with doubling.busy(threads, key="other"):
        others = doubling.queue(threads, [2, 3], key="other")
    assert results(*others) == [4, 6]
    assert doubling.together == [[1], [0], [2, 3]]


def test_items_go_together_again_after_a_while(threads):
    doubling = Doubling(slow_group_s=-1, alone_for_s=0)
    doubling.double(1)
    doubling.commit.slow_group_s = TIMEOUT_S
    with doubling.busy(threads):
        others = doubling.queue(threads, [3, 4])
    assert results(*others) == [6, 8]
    assert doubling.together == [[1], [0], [3, 4]]


def test_an_interrupted_group_stops_no_later_item(doubling, threads):
    def interrupted_at_first(item):
        if item == 1:
            raise KeyboardInterrupt
        return 2 * item

    with doubling.busy(threads):
        first, second, third = doubling.queue(threads, [1, 2, 3])
        doubling.own_part = interrupted_at_first
    assert isinstance(first.exception(TIMEOUT_S), KeyboardInterrupt)
    assert results(second, third) == [None, None]
    assert doubling.double(4) == 8


def test_nothing_is_kept_of_items_that_are_done(doubling, threads):
    with doubling.busy(threads):
        others = doubling.queue(threads, [1, 2])
    results(*others)
    doubling.double(3, "other")
    wait_until(lambda: not doubling.commit._waiting)
    assert not doubling.commit._alone_until


def test_each_of_many_items_gets_its_own_result(doubling, threads):
    assert list(threads.map(doubling.double, range(2000))) == [2 * item for item in range(2000)]
    assert sorted(item for group in doubling.together for item in group) == list(range(2000))


@pytest.mark.parametrize("done_within_s", [0, 0.0002, 0.002])
def test_items_that_stop_waiting_for_results_stop_no_other(threads, done_within_s):
    doubling = Doubling(turn_within_s=0.0002, done_within_s=done_within_s)
    given = list(threads.map(doubling.double, range(2000)))
    assert all(result in (None, 2 * item) for item, result in enumerate(given))
    assert sorted(item for group in doubling.together for item in group) == list(range(2000))
    assert not doubling.commit._waiting


@pytest.mark.parametrize("turn_within_s", [0, 0.0002, 0.002])
def test_items_that_stop_waiting_for_their_turn_are_handled(threads, turn_within_s):
    doubling = Doubling(turn_within_s=turn_within_s)
    assert list(threads.map(doubling.double, range(2000))) == [2 * item for item in range(2000)]
    assert sorted(item for group in doubling.together for item in group) == list(range(2000))
    assert not doubling.commit._waiting
