"""Shares a limited number of turns among organisations. Many uploads of one organisation delay no other's."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock


class TurnsBusy(Exception):
    """The organisation has as many threads waiting as it may have, or its turn did not come in time."""


class FairTurns:
    """A limited number of turns, for example to inspect an upload, which organisations get in rotation.

    If there is more than one turn, one organisation never has all of them. The first upload of another
    organisation then gets a turn at once, and does not wait until a long inspection has ended.

    An organisation never has more waiting threads than there are free places to wait (the dynamic thresholds
    of Choudhury and Hahne). One organisation alone gets half of the places, so two never occupy all.

    Args:
        concurrent: the number of turns.
        places: the number of places to wait, of all organisations. Each occupies a thread of the server.
    """

    def __init__(self, concurrent: int, places: int) -> None:
        self._free_places = places
        self._most_each = max(1, concurrent - 1)
        self._free = concurrent
        self._lock = Lock()
        self._running: Counter[str] = Counter()
        # In the order in which the organisations get the next turns.
        self._waiting: OrderedDict[str, deque[Event]] = OrderedDict()

    @contextmanager
    def turn(self, organisation_id: str, wait_s: float) -> Iterator[None]:
        """Hold one turn for a block.

        Args:
            organisation_id: the organisation that the turn counts for.
            wait_s: for how long to wait for a turn, in seconds.

        Raises:
            TurnsBusy: no turn came, or there is no place to wait.
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
                return  # the turn came after the wait had ended
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
                    self._waiting[organisation_id] = queue  # after the other organisations

    def _start(self, organisation_id: str) -> None:
        self._free -= 1
        self._running[organisation_id] += 1
