"""Shares a limited number of turns among organisations, so that the many uploads of one delay no other's."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock


class TurnsBusy(Exception):
    """The organisation has as many waiting as it may, or its turn did not come in time."""


class FairTurns:
    """A limited number of turns, given to the waiting organisations one after the other.

    While more than one turn exists, one organisation never has all of them: another organisation's first upload then
    finds a turn at once, and not only when a long inspection has ended.

    Of the places to wait an organisation never has more than are free (Choudhury and Hahne's dynamic thresholds): one
    alone has half of them, and the places are never used up by one or two.

    Args:
        at_once: how many turns there are.
        places: how many may wait in all. Each occupies a thread of the server.
    """

    def __init__(self, at_once: int, places: int) -> None:
        self._free_places = places
        self._most_each = max(1, at_once - 1)
        self._free = at_once
        self._lock = Lock()
        self._running: Counter[str] = Counter()
        # In the order in which the organisations are to be served next.
        self._waiting: OrderedDict[str, deque[Event]] = OrderedDict()

    @contextmanager
    def turn(self, organisation_id: str, wait_s: float) -> Iterator[None]:
        """Hold one turn.

        Args:
            wait_s: for how long to wait for one, in seconds.

        Raises:
            TurnsBusy: there is none.
        """
        self._acquire(organisation_id, wait_s)
        try:
            yield
        finally:
            self._release(organisation_id)

    def _acquire(self, organisation_id: str, wait_s: float) -> None:
        with self._lock:
            if self._free and self._running[organisation_id] < self._most_each:
                self._start(organisation_id)
                return
            queue = self._waiting.get(organisation_id, deque())
            if len(queue) >= self._free_places:
                raise TurnsBusy
            given = Event()
            queue.append(given)
            self._waiting[organisation_id] = queue
            self._free_places -= 1
        if not given.wait(wait_s):
            self._stop_waiting(organisation_id, given)

    def _stop_waiting(self, organisation_id: str, given: Event) -> None:
        with self._lock:
            if given.is_set():
                return  # it came in the last moment
            self._waiting[organisation_id].remove(given)
            self._free_places += 1
            if not self._waiting[organisation_id]:
                del self._waiting[organisation_id]
        raise TurnsBusy

    def _release(self, organisation_id: str) -> None:
        with self._lock:
            self._free += 1
            self._running[organisation_id] -= 1
            if not self._running[organisation_id]:
                del self._running[organisation_id]
            self._give_free_turns()

    def _give_free_turns(self) -> None:
        for organisation_id in list(self._waiting):
            if self._free and self._running[organisation_id] < self._most_each:
                queue = self._waiting.pop(organisation_id)
                self._start(organisation_id)
                self._free_places += 1
                queue.popleft().set()
                if queue:
                    self._waiting[organisation_id] = queue  # behind the others

    def _start(self, organisation_id: str) -> None:
        self._free -= 1
        self._running[organisation_id] += 1
