"""Turns of inspection are shared fairly among organisations."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import Queue
from threading import Event

import pytest

from autonomy_core.turns import FairTurns, TurnsBusy

LONG_S = 60


class Uploads:
    """Uploads of several organisations; each inspection lasts until the test ends it."""

    def __init__(self, turns: FairTurns, pool: ThreadPoolExecutor) -> None:
        self.turns, self._pool = turns, pool
        self.began: Queue[Upload] = Queue()

    def begin(self, organisation: str) -> Upload:
        upload = Upload(self, organisation)
        upload.done = self._pool.submit(upload.run)
        return upload


class Upload:
    done: Future[None]

    def __init__(self, uploads: Uploads, organisation: str) -> None:
        self._uploads, self.organisation = uploads, organisation
        self.begun, self._end = Event(), Event()

    def run(self) -> None:
        with self._uploads.turns.turn(self.organisation, LONG_S):
            self._uploads.began.put(self)
            self.begun.set()
            self._end.wait(LONG_S)

    def end(self) -> None:
        self._end.set()
        self.done.result(LONG_S)


@contextmanager
def uploads(concurrent: int, places: int = 16) -> Iterator[Uploads]:
    with ThreadPoolExecutor(32) as pool:
        yield Uploads(FairTurns(concurrent, places), pool)


def waiting(turns: FairTurns, organisation: str, count: int) -> None:
    """Wait until this number of uploads of an organisation is in the queue."""
    while len(turns._waiting.get(organisation, ())) < count:
        Event().wait(0.001)


def test_one_organisations_flood_does_not_delay_another() -> None:
    with uploads(2) as running:
        flood = [running.begin("harbour") for _ in range(6)]
        waiting(running.turns, "harbour", 5)

        other = running.begin("nightjar")

        assert other.begun.wait(LONG_S)
        assert [upload.begun.is_set() for upload in flood].count(True) == 1
        other.end()
        for upload in sorted(flood, key=lambda upload: not upload.begun.is_set()):
            assert upload.begun.wait(LONG_S)
            upload.end()


def test_waiting_organisations_are_served_in_turn() -> None:
    with uploads(1) as running:
        first = running.begin("harbour")
        assert first.begun.wait(LONG_S)
        for organisation, count in (("harbour", 1), ("harbour", 2), ("nightjar", 1), ("orchard", 1)):
            running.begin(organisation)
            waiting(running.turns, organisation, count)

        served = []
        for _ in range(5):
            upload = running.began.get(timeout=LONG_S)
            served.append(upload.organisation)
            upload.end()

        assert served == ["harbour", "harbour", "nightjar", "orchard", "harbour"]


def test_only_the_organisation_with_too_many_uploads_is_refused() -> None:
    with uploads(1, places=4) as running:
        first = running.begin("harbour")
        assert first.begun.wait(LONG_S)
        second, third = running.begin("harbour"), running.begin("harbour")
        waiting(running.turns, "harbour", 2)

        with pytest.raises(TurnsBusy), running.turns.turn("harbour", LONG_S):
            pass

        other = running.begin("nightjar")
        waiting(running.turns, "nightjar", 1)
        first.end()
        for upload in (second, other, third):
            assert upload.begun.wait(LONG_S)
            upload.end()


def test_waiting_uploads_do_not_occupy_every_thread() -> None:
    with uploads(1, places=8) as running:
        first = running.begin("harbour")
        assert first.begun.wait(LONG_S)
        begun = []
        for organisation, may_wait in (("harbour", 4), ("nightjar", 2), ("orchard", 1), ("quarry", 1)):
            for count in range(may_wait):
                begun.append(running.begin(organisation))
                waiting(running.turns, organisation, count + 1)
            with pytest.raises(TurnsBusy), running.turns.turn(organisation, LONG_S):
                pass
        with pytest.raises(TurnsBusy), running.turns.turn("stranger", LONG_S):
            pass

        for _ in [first, *begun]:
            running.began.get(timeout=LONG_S).end()
        with running.turns.turn("stranger", 0):
            pass


def test_an_upload_that_times_out_leaves_the_queue_and_uses_no_turn() -> None:
    turns = FairTurns(1, 16)

    with turns.turn("harbour", 0), pytest.raises(TurnsBusy), turns.turn("nightjar", 0):
        pass

    assert not turns._waiting
    with turns.turn("nightjar", 0):
        pass


def test_a_turn_is_released_when_an_inspection_fails() -> None:
    turns = FairTurns(1, 16)

    with pytest.raises(ZeroDivisionError), turns.turn("harbour", 0):
        raise ZeroDivisionError

    with turns.turn("harbour", 0):
        pass


def test_one_organisation_alone_uses_all_turns_but_one() -> None:
    turns = FairTurns(3, 16)

    with ExitStack() as held:
        held.enter_context(turns.turn("harbour", 0))
        held.enter_context(turns.turn("harbour", 0))
        with pytest.raises(TurnsBusy), turns.turn("harbour", 0):
            pass
        held.enter_context(turns.turn("nightjar", 0))
