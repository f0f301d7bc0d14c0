"""Shares a limited number of turns among organisations. Many requests of one delay no other's."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock

OnTurn = Callable[[], None]
"""Is called when a turn has come. It must return at once."""


class TurnsBusy(Exception):
    """The organisation has as many waiting requests as it may have, or its turn did not come in time."""


class FairTurns:
    """A limited number of turns, for example to inspect an upload, which organisations get in rotation.

    If there is more than one turn, one organisation never has all of them. The first upload of another
    organisation then gets a turn at once, and does not wait until a long inspection has ended.

    An organisation never has more waiting requests than there are free places to wait (the dynamic thresholds
    of Choudhury and Hahne). One organisation alone gets half of the places, so two never occupy all.

    A thread uses `turn`. Code that must not block uses `take`, `leave` and `release`.

    Args:
        concurrent: the number of turns.
        places: the number of places to wait, of all organisations. With `turn`, each occupies a thread.
        most_each: the number of turns that one organisation may have; None for all but one.
    """

    def __init__(self, concurrent: int, places: int, most_each: int | None = None) -> None:
        self._free_places = places
        self._most_each = max(1, concurrent - 1) if most_each is None else most_each
        self._free = concurrent
        self._lock = Lock()
        self._running: Counter[str] = Counter()
        # In the order in which the organisations get the next turns.
        self._waiting: OrderedDict[str, deque[OnTurn]] = OrderedDict()

    @contextmanager
    def turn(self, organisation_id: str, wait_s: float) -> Iterator[None]:
        """Hold one turn for a block.

        Args:
            organisation_id: the organisation that the turn counts for.
            wait_s: for how long to wait for a turn, in seconds.

        Raises:
            TurnsBusy: no turn came, or there is no place to wait.
        """
        came = Event()
        has_turn = self.take(organisation_id, came.set) or came.wait(wait_s)
        # The turn may come after the wait has ended, and before the place is left.
        if not has_turn and self.leave(organisation_id, came.set):
            raise TurnsBusy
        try:
            yield
        finally:
            self.release(organisation_id)

    def take(self, organisation_id: str, given: OnTurn) -> bool:
        """Take a turn, or wait for one.

        Args:
            organisation_id: the organisation that the turn counts for.
            given: called when the turn comes, in the thread that releases one.

        Returns:
            Whether the turn has come already. Then ``given`` is not called.

        Raises:
            TurnsBusy: there is no place to wait.
        """
        with self._lock:
            if self._free and self._running[organisation_id] < self._most_each:
                self._start(organisation_id)
                return True
            queue = self._waiting.get(organisation_id, deque())
            if len(queue) >= self._free_places:
                raise TurnsBusy
            queue.append(given)
            self._waiting[organisation_id] = queue
            self._free_places -= 1
            return False

    def leave(self, organisation_id: str, given: OnTurn) -> bool:
        """Wait no longer.

        Args:
            organisation_id: as for `take`.
            given: as for `take`.

        Returns:
            Whether the place was left. Otherwise the turn has come, and has to be released.
        """
        with self._lock:
            queue = self._waiting.get(organisation_id, deque())
            if given not in queue:
                return False
            queue.remove(given)
            self._free_places += 1
            if not queue:
                del self._waiting[organisation_id]
            return True

    def release(self, organisation_id: str) -> None:
        """Give a turn back."""
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
                queue.popleft()()
                if queue:
                    self._waiting[organisation_id] = queue  # after the other organisations

    def _start(self, organisation_id: str) -> None:
        self._free -= 1
        self._running[organisation_id] += 1
