"""What arrives while a transaction is under way goes together into the next one, and nobody waits for ever."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

import pytest
from structlog.testing import capture_logs

from autonomy_core.db import group_commit
from autonomy_core.db.group_commit import GroupCommit, Member

PATIENCE_S = 120
REQUEST = ContextVar("REQUEST", default=None)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """However slow the machine is, nobody gives up, unless a test says so."""
    for name in ("TURN_WITHIN_S", "DONE_WITHIN_S", "SLOW_S", "VERY_SLOW_S", "ALONE_FOR_S"):
        monkeypatch.setattr(group_commit, name, PATIENCE_S)


class Shop:
    """Doubles numbers, and notes which it has doubled together."""

    def __init__(self):
        self.commit = GroupCommit()
        self.together = []
        self.own_part = lambda item: 2 * item
        self._gates = []

    def double(self, item, key="acme"):
        REQUEST.set(item)
        return self.commit.handle(key, item, self._double_all)

    def _double_all(self, members):
        self.together.append([member.item for member in members])
        if self._gates:
            reached, opened = self._gates.pop()
            reached.set()
            assert opened.wait(PATIENCE_S)
        return [member.run(self.own_part, member.item) for member in members]

    @contextmanager
    def busy(self, threads, item=0, key="acme"):
        """One is at work, alone, until the end of the block; gives what will become of it."""
        reached, opened = threading.Event(), threading.Event()
        self._gates.append((reached, opened))
        first = threads.submit(self.double, item, key)
        assert reached.wait(PATIENCE_S)
        try:
            yield first
        finally:
            opened.set()

    def queue(self, threads, items, key="acme"):
        """Others come, one after the other."""
        futures = []
        for item in items:
            expected = len(self.waiting(key)) + 1
            futures.append(threads.submit(self.double, item, key))
            wait_until(lambda expected=expected: len(self.waiting(key)) == expected)
        return futures

    def waiting(self, key="acme"):
        return self.commit._waiting.get(key, ())


def wait_until(holds):
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
def threads():
    with ThreadPoolExecutor(40) as pool:
        yield pool


def results(*futures):
    return [future.result(PATIENCE_S) for future in futures]


def test_whoever_finds_nobody_at_work_begins_at_once_and_alone(shop):
    assert [shop.double(1), shop.double(2)] == [2, 4]
    assert shop.together == [[1], [2]]


def test_whoever_comes_while_one_is_at_work_goes_together_into_the_next(shop, threads):
    with shop.busy(threads) as first:
        others = shop.queue(threads, [1, 2, 3])
    assert results(first, *others) == [0, 2, 4, 6]
    assert shop.together == [[0], [1, 2, 3]]


def test_only_so_many_go_together(shop, threads, monkeypatch):
    monkeypatch.setattr(group_commit, "MOST_TOGETHER", 3)
    with shop.busy(threads):
        others = shop.queue(threads, range(1, 8))
    assert results(*others) == [2 * item for item in range(1, 8)]
    assert shop.together == [[0], [1, 2, 3], [4, 5, 6], [7]]


def test_what_has_another_key_goes_by_itself_and_waits_for_nobody(shop, threads):
    with shop.busy(threads):
        assert threads.submit(shop.double, 1, "other").result(PATIENCE_S) == 2
    assert shop.together == [[0], [1]]


def test_each_does_its_own_part_in_its_own_context(shop, threads):
    shop.own_part = lambda item: (item, REQUEST.get())
    with shop.busy(threads):
        others = shop.queue(threads, [1, 2])
    assert results(*others) == [(1, 1), (2, 2)]
    assert shop.together == [[0], [1, 2]]


def test_whoever_has_no_turn_in_time_goes_alone_beside_the_one_at_work(shop, threads, monkeypatch):
    monkeypatch.setattr(group_commit, "TURN_WITHIN_S", 0.01)
    with shop.busy(threads):
        assert results(threads.submit(shop.double, 1), threads.submit(shop.double, 2)) == [2, 4]
        assert not shop.waiting()
    assert sorted(shop.together) == [[0], [1], [2]]


def test_whoever_is_taken_along_and_not_brought_back_in_time_learns_nothing(shop, threads, monkeypatch):
    end, wait = threading.Event(), Member.wait

    def wait_until_taken_along(member, seconds):
        if member.item != 2:
            return wait(member, seconds)
        return wait_until(lambda: member not in shop.waiting())

    def hang(item):
        assert item != 1 or end.wait(PATIENCE_S)
        return 2 * item

    monkeypatch.setattr(Member, "wait", wait_until_taken_along)
    with shop.busy(threads) as first:
        slow, impatient, patient = shop.queue(threads, [1, 2, 3])
        shop.own_part = hang
    assert impatient.result(PATIENCE_S) is None
    end.set()
    assert results(first, slow, patient) == [0, 2, 6]


@contextmanager
def slow_members(monkeypatch):
    """Whoever is done now counts as slow."""
    with monkeypatch.context() as patched:
        patched.setattr(group_commit, "SLOW_S", -1)
        yield


def test_where_members_are_slow_twice_in_a_row_all_go_by_themselves_for_a_while(shop, threads, monkeypatch):
    with slow_members(monkeypatch):
        shop.double(1)
        with shop.busy(threads):
            others = shop.queue(threads, [2, 3, 4])
        assert results(*others) == [4, 6, 8]
    assert sorted(shop.together) == [[0], [1], [2], [3], [4]]
    with shop.busy(threads):
        assert threads.submit(shop.double, 5).result(PATIENCE_S) == 10


def test_that_they_go_by_themselves_is_logged(shop, monkeypatch):
    with capture_logs() as lines, slow_members(monkeypatch):
        shop.double(1)
        assert not lines
        shop.double(2)
    assert [(line["event"], line["key"], line["for_s"]) for line in lines] == [
        ("group_commit.set_apart", "acme", PATIENCE_S)
    ]


def test_very_slow_once_is_enough(shop, threads, monkeypatch):
    with slow_members(monkeypatch), monkeypatch.context() as patched:
        patched.setattr(group_commit, "VERY_SLOW_S", -1)
        shop.double(1)
    with shop.busy(threads):
        assert threads.submit(shop.double, 2).result(PATIENCE_S) == 4
    assert sorted(shop.together) == [[0], [1], [2]]


def test_slow_twice_with_a_long_time_in_between_is_an_accident_too(shop, threads, monkeypatch):
    monkeypatch.setattr(group_commit, "ALONE_FOR_S", -1)
    with slow_members(monkeypatch):
        shop.double(1)
        shop.double(2)
    monkeypatch.setattr(group_commit, "ALONE_FOR_S", PATIENCE_S)
    with shop.busy(threads):
        others = shop.queue(threads, [3, 4])
    assert results(*others) == [6, 8]
    assert shop.together[-1] == [3, 4]


def test_slow_once_is_an_accident(shop, threads, monkeypatch):
    for item in (1, 2):
        with slow_members(monkeypatch):
            shop.double(item)
        shop.double(item)
    with shop.busy(threads):
        others = shop.queue(threads, [3, 4])
    assert results(*others) == [6, 8]
    assert shop.together[-1] == [3, 4]


def test_when_that_while_is_over_they_go_together_again(shop, threads, monkeypatch):
    monkeypatch.setattr(group_commit, "ALONE_FOR_S", 0)
    with slow_members(monkeypatch):
        shop.double(1)
        shop.double(2)
    with shop.busy(threads):
        others = shop.queue(threads, [3, 4])
    assert results(*others) == [6, 8]
    assert shop.together == [[1], [2], [0], [3, 4]]


def test_an_interruption_of_one_keeps_nobody_waiting(shop, threads):
    def interrupted_at_first(item):
        if item == 1:
            raise KeyboardInterrupt
        return 2 * item

    with shop.busy(threads):
        first, second, third = shop.queue(threads, [1, 2, 3])
        shop.own_part = interrupted_at_first
    assert isinstance(first.exception(PATIENCE_S), KeyboardInterrupt)
    assert results(second, third) == [None, None]
    assert shop.double(4) == 8


def test_nothing_is_kept_of_whoever_is_done(shop, threads):
    with shop.busy(threads):
        others = shop.queue(threads, [1, 2])
    results(*others)
    shop.double(3, "other")
    wait_until(lambda: not shop.commit._waiting)
    assert not shop.commit._alone_until
    assert not shop.commit._slow_turns


def test_many_at_once_have_each_their_own_result(shop, threads):
    assert list(threads.map(shop.double, range(2000))) == [2 * item for item in range(2000)]
    assert sorted(item for group in shop.together for item in group) == list(range(2000))


def test_those_who_are_done_are_told_one_after_the_other(shop, threads, monkeypatch):
    told, go_on, tell_next = [], threading.Event(), GroupCommit._tell_next

    def tell_when_allowed(commit, untold):
        if threading.current_thread() is not leader:
            told.append(len(untold))
            assert go_on.wait(PATIENCE_S)
        tell_next(commit, untold)

    def note_leader(item):
        nonlocal leader
        leader = threading.current_thread()
        return 2 * item

    leader = None
    monkeypatch.setattr(GroupCommit, "_tell_next", tell_when_allowed)
    shop.own_part = note_leader
    with shop.busy(threads):
        others = shop.queue(threads, [1, 2, 3, 4])
    wait_until(lambda: told)
    assert told == [2]
    assert [future.done() for future in others[1:]] == [False] * 3
    go_on.set()
    assert results(*others) == [2, 4, 6, 8]
    assert told == [2, 1, 0]


@pytest.mark.parametrize("done_within_s", [0, 0.0002, 0.002])
def test_those_who_give_up_when_they_are_done_know_nothing_and_keep_nobody_waiting(
    shop, threads, monkeypatch, done_within_s
):
    monkeypatch.setattr(group_commit, "TURN_WITHIN_S", 0.0002)
    monkeypatch.setattr(group_commit, "DONE_WITHIN_S", done_within_s)
    given = list(threads.map(shop.double, range(2000)))
    assert all(result in (None, 2 * item) for item, result in enumerate(given))
    assert sorted(item for group in shop.together for item in group) == list(range(2000))
    assert not shop.commit._waiting


@pytest.mark.parametrize("turn_within_s", [0, 0.0002, 0.002])
def test_those_who_lose_patience_when_it_is_their_turn_have_their_result_and_leave_nothing(
    shop, threads, monkeypatch, turn_within_s
):
    monkeypatch.setattr(group_commit, "TURN_WITHIN_S", turn_within_s)
    assert list(threads.map(shop.double, range(2000))) == [2 * item for item in range(2000)]
    assert sorted(item for group in shop.together for item in group) == list(range(2000))
    assert not shop.commit._waiting
