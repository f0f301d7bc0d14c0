"""Group commit: what arrives while a transaction is under way goes together into the next one.

A commit has to reach the disk, and a round trip makes a thread give up Python's lock and wait for it again; what is done
in one transaction pays for both once. Nobody waits for company: whoever finds nobody at work begins at once, and takes
along only those who have come meanwhile.

What is done together is undone together, so it has to be something that each can begin anew by itself.
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

MOST_TOGETHER = 16
"""So many go into one transaction."""

TURN_WITHIN_S = 0.05
"""Whoever has not had its turn by then goes alone, beside the one that is at work."""

DONE_WITHIN_S = 10.0
"""Whoever has been taken along, and has no result by then, does not learn what has come of it."""

LONGEST_PAUSE_TOGETHER_S = DONE_WITHIN_S
"""So long a transaction of several may do nothing: what hangs in it holds what those wait for who have given up."""

SLOW_S = 0.01
"""Where a member's own part takes so long, it waits for something: side by side they wait for less time than in turns."""

SLOW_TURNS = 2
"""So many turns in a row have to be slow; a single one may have waited for the machine, unless it is `VERY_SLOW_S`."""

VERY_SLOW_S = 0.1
"""Where a member's own part takes so long, one turn is enough."""

ALONE_FOR_S = 10.0
"""So long nobody is taken along where members were slow; and so long a slow turn is remembered."""

log = structlog.get_logger(__name__)


class Turn(Enum):
    """What a member is to do."""

    LEAD = auto()
    GO_ALONE = auto()
    TAKE_RESULT = auto()


class Member(Generic[T]):
    """One who takes part in a transaction.

    Attributes:
        item: what is to be done for it.
        seconds: how long its own part has taken.
        result: what has come of it.
        turn: what it is to do; None while it waits.
        has_given_up: whether it waits no longer, though nobody has told it anything.
        untold: those taken along with it who have not been told yet that it is done.
    """

    __slots__ = ("_context", "_told", "has_given_up", "item", "result", "seconds", "turn", "untold")

    def __init__(self, item: T) -> None:
        self.item = item
        self.seconds = 0.0
        self.result: Any = None
        self.turn: Turn | None = None
        self.has_given_up = False
        self.untold: deque[Member[Any]] = deque()
        self._context = copy_context()
        self._told = threading.Lock()
        self._told.acquire()

    def run(self, function: Callable[..., R], *arguments: Any) -> R:
        """Do its own part, in the context of its thread: what is logged carries the id of its request."""
        begun = time.perf_counter()
        try:
            return self._context.run(function, *arguments)
        finally:
            self.seconds += time.perf_counter() - begun

    def run_aside(self, function: Callable[..., R], *arguments: Any) -> R:
        """Do in its context what does not count as its part."""
        return self._context.run(function, *arguments)

    def wait(self, seconds: float) -> None:
        """Wait until it is told what to do, or the time is over."""
        self._told.acquire(timeout=seconds)

    def tell(self, turn: Turn) -> None:
        """End its wait."""
        self.turn = turn
        self._told.release()


HandleAll = Callable[[Sequence[Member[T]]], Sequence[R | None]]


class GroupCommit:
    """Puts together what is to be done for the same key. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # A key is here for as long as somebody is at work for it.
        self._waiting: dict[Hashable, deque[Member[Any]]] = {}
        # How many turns in a row were slow, and when the last one was.
        self._slow_turns: dict[Hashable, tuple[int, float]] = {}
        self._alone_until: dict[Hashable, float] = {}

    def handle(self, key: Hashable, item: T, handle_all: HandleAll[T, R]) -> R | None:
        """Have something done, by this thread or by another, alone or together with others.

        Args:
            key: whose it is, and of what kind; what has the same may be done together, by any caller's ``handle_all``.
            handle_all: does it for one or more members in one transaction; gives a result for each, None where nothing
                is done. It raises nothing.

        Returns:
            Its result; None where nothing is done, or where nothing is known.
        """
        member = Member(item)
        turn = self._turn_of(key, member)
        if turn is Turn.LEAD:
            self._lead(key, member, handle_all)
        elif turn is Turn.GO_ALONE:
            member.result = handle_all([member])[0]
        result: R | None = member.result
        return result

    def _turn_of(self, key: Hashable, member: Member[Any]) -> Turn | None:
        with self._lock:
            if self._are_left_alone(key):
                return Turn.GO_ALONE
            waiting = self._waiting.get(key)
            if waiting is None:
                self._waiting[key] = deque()
                return Turn.LEAD
            waiting.append(member)
        member.wait(TURN_WITHIN_S)
        if member.turn is None and self._withdraws(key, member):
            return Turn.GO_ALONE
        if member.turn is None:
            member.wait(DONE_WITHIN_S)
            with self._lock:
                member.has_given_up = member.turn is None
        if member.turn is Turn.TAKE_RESULT:
            self._tell_next(member.untold)
        return member.turn

    def _are_left_alone(self, key: Hashable) -> bool:
        until = self._alone_until.get(key)
        if until is not None and until <= time.monotonic():
            del self._alone_until[key]
            return False
        return until is not None

    def _withdraws(self, key: Hashable, member: Member[Any]) -> bool:
        """Whether it was still waiting; it waits no longer."""
        with self._lock:
            waiting = self._waiting.get(key, deque())
            was_waiting = member in waiting
            if was_waiting:
                waiting.remove(member)
            return was_waiting

    def _lead(self, key: Hashable, leader: Member[T], handle_all: HandleAll[T, R]) -> None:
        with self._lock:
            waiting = self._waiting[key]
            others = [waiting.popleft() for _ in range(min(len(waiting), MOST_TOGETHER - 1))]
        group, untold = [leader, *others], deque(others)
        for member in others:
            member.untold = untold
        try:
            for member, result in zip(group, handle_all(group), strict=True):
                member.result = result
        finally:
            seconds = sum(member.seconds for member in group) / len(group)
            apart = self._end_turn(key, seconds=seconds)
            self._tell_next(untold)
            if apart:
                log.info("group_commit.set_apart", key=key, seconds_each=round(seconds, 3), for_s=ALONE_FOR_S)

    def _tell_next(self, untold: deque[Member[Any]]) -> None:
        """Have the next one take its result, who then tells the one after it.

        Told all at once, all would wake up, and each be sent back to sleep until it has Python's lock.
        """
        with self._lock:
            while untold:
                member = untold.popleft()
                if not member.has_given_up:
                    member.tell(Turn.TAKE_RESULT)
                    return

    def _end_turn(self, key: Hashable, *, seconds: float) -> bool:
        """Have the next one lead; where members keep being slow, all that wait go by themselves. Returns whether they do."""
        with self._lock:
            waiting = self._waiting[key]
            apart = self._are_slow(key, seconds)
            turn, many = (Turn.GO_ALONE, len(waiting)) if apart else (Turn.LEAD, min(len(waiting), 1))
            released = [waiting.popleft() for _ in range(many)]
            if apart:
                self._alone_until[key] = time.monotonic() + ALONE_FOR_S
            if apart or not released:
                del self._waiting[key]
            # Before anybody else looks: who is not told, and waits no longer, would never lead, and nobody after it.
            for member in released:
                member.tell(turn)
        return apart

    def _are_slow(self, key: Hashable, seconds: float) -> bool:
        """Whether members have been so slow, or for so many turns, that it is no accident."""
        turns, last = self._slow_turns.pop(key, (0, 0.0))
        if seconds <= SLOW_S:
            return False
        now = time.monotonic()
        turns = turns + 1 if now - last <= ALONE_FOR_S else 1
        if turns >= SLOW_TURNS or seconds > VERY_SLOW_S:
            return True
        self._slow_turns[key] = turns, now
        return False
