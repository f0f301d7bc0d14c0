"""Group commit: items that arrive while a transaction is running go together into the next one.

A commit has to reach the disk, and after a round trip a thread has to wait for Python's lock. What is done in
one transaction pays for both once. An item never waits for others to arrive: if no transaction of its key is
running, it starts one at once, and alone.

Items that are done together are undone together, so each must be able to start again by itself.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextvars import copy_context
from enum import Enum, auto
from typing import Any, Generic, TypeVar

import structlog

T = TypeVar("T")
R = TypeVar("R")

DONE_WITHIN_S = 10.0
"""How long an item waits for the result of its transaction, in seconds. After that, its result is unknown."""


log = structlog.get_logger(__name__)


class Turn(Enum):
    """What the thread of an item does after its wait."""

    LEAD = auto()
    GO_ALONE = auto()
    TAKE_RESULT = auto()


class BatchItem(Generic[T]):
    """One item of a transaction.

    Attributes:
        item: the work, as its caller describes it.
        seconds: the duration of its own part, in seconds.
        result: the result of its work.
        turn: what its thread has to do; None while it waits.
    """

    __slots__ = ("_context", "_notified", "item", "result", "seconds", "turn")

    def __init__(self, item: T) -> None:
        self.item = item
        self.seconds = 0.0
        self.result: Any = None
        self.turn: Turn | None = None
        self._context = copy_context()
        self._notified = threading.Lock()
        self._notified.acquire()

    def run(self, function: Callable[..., R], *arguments: Any) -> R:
        """Run the item's own part in the context of its thread, so that log lines have its request's id."""
        begun = time.perf_counter()
        try:
            return self._context.run(function, *arguments)
        finally:
            self.seconds += time.perf_counter() - begun

    def wait(self, seconds: float) -> None:
        """Wait for a notification, at most for so many seconds."""
        self._notified.acquire(timeout=seconds)

    def notify(self, turn: Turn) -> None:
        """End the item's wait."""
        self.turn = turn
        self._notified.release()


HandleAll = Callable[[Sequence[BatchItem[T]]], Sequence[R | None]]


class GroupCommit:
    """Groups the items of a key. Threads share it.

    In a group, the items' own parts run one after the other. Slow items probably wait for I/O, which is
    faster in parallel. So after a slow group, the items of the key go alone for a while.

    Args:
        largest_group: the maximum number of items in one transaction.
        turn_within_s: the maximum wait of an item for its turn, in seconds. After that it goes alone, in
            parallel to the running transaction, so that a blocked hook does not stop later items.
        done_within_s: see `DONE_WITHIN_S`.
        slow_group_s: a group is slow if its items' own parts take longer together, in seconds.
        alone_for_s: how long items go alone after a slow group, in seconds.
    """

    def __init__(
        self,
        *,
        largest_group: int = 16,
        turn_within_s: float = 0.05,
        done_within_s: float = DONE_WITHIN_S,
        slow_group_s: float = 0.1,
        alone_for_s: float = 10.0,
    ) -> None:
        self.largest_group = largest_group
        self.turn_within_s = turn_within_s
        self.done_within_s = done_within_s
        self.slow_group_s = slow_group_s
        self.alone_for_s = alone_for_s
        self._lock = threading.Lock()
        # A key is here while a transaction of it runs.
        self._waiting: dict[Hashable, deque[BatchItem[Any]]] = {}
        self._alone_until: dict[Hashable, float] = {}

    def handle(self, key: Hashable, item: T, handle_all: HandleAll[T, R]) -> R | None:
        """Handle an item in this thread or another one, alone or together with others.

        Args:
            key: items with the same key may be handled together, by the ``handle_all`` of any of them.
            item: the work.
            handle_all: handles one or more items in one transaction, and returns a result for each, None if
                it did nothing. It must not raise.

        Returns:
            The result of the item; None if nothing was done, or if the result is not known in time.
        """
        own = BatchItem(item)
        turn = self._turn_of(key, own)
        if turn is Turn.LEAD:
            self._lead(key, own, handle_all)
        elif turn is Turn.GO_ALONE:
            own.result = handle_all([own])[0]
        result: R | None = own.result
        return result

    def _turn_of(self, key: Hashable, own: BatchItem[Any]) -> Turn | None:
        with self._lock:
            if self._goes_alone(key):
                return Turn.GO_ALONE
            waiting = self._waiting.get(key)
            if waiting is None:
                self._waiting[key] = deque()
                return Turn.LEAD
            waiting.append(own)
        own.wait(self.turn_within_s)
        if own.turn is None and self._withdraws(key, own):
            return Turn.GO_ALONE
        if own.turn is None:
            own.wait(self.done_within_s)
        return own.turn

    def _goes_alone(self, key: Hashable) -> bool:
        until = self._alone_until.get(key)
        if until is not None and until <= time.monotonic():
            del self._alone_until[key]
            return False
        return until is not None

    def _withdraws(self, key: Hashable, own: BatchItem[Any]) -> bool:
        """Remove an item from the queue. Returns whether it was in the queue."""
        with self._lock:
            waiting = self._waiting.get(key, deque())
            was_waiting = own in waiting
            if was_waiting:
                waiting.remove(own)
            return was_waiting

    def _lead(self, key: Hashable, leader: BatchItem[T], handle_all: HandleAll[T, R]) -> None:
        with self._lock:
            waiting = self._waiting[key]
            others = [waiting.popleft() for _ in range(min(len(waiting), self.largest_group - 1))]
        group = [leader, *others]
        try:
            for item, result in zip(group, handle_all(group), strict=True):
                item.result = result
        finally:
            seconds = sum(item.seconds for item in group)
            is_slow = seconds > self.slow_group_s
            self._end_turn(key, is_slow=is_slow)
            for item in others:
                item.notify(Turn.TAKE_RESULT)
            if is_slow:
                log.info(
                    "group_commit.set_apart",
                    key=key,
                    seconds=round(seconds, 3),
                    together=len(group),
                    for_s=self.alone_for_s,
                )

    def _end_turn(self, key: Hashable, *, is_slow: bool) -> None:
        """Let the next item in the queue lead; after a slow group, let all items go alone."""
        # Under the lock: an item that has timed out, and is removed but not notified, would never lead, and
        # every later item would wait for it.
        with self._lock:
            waiting = self._waiting[key]
            if waiting and not is_slow:
                waiting.popleft().notify(Turn.LEAD)
                return
            del self._waiting[key]
            if is_slow:
                self._alone_until[key] = time.monotonic() + self.alone_for_s
            for item in waiting:
                item.notify(Turn.GO_ALONE)
