"""Threads for the application."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from autonomy_core.errors import Unavailable

WAITING_PER_THREAD = 32
"""How many requests may wait for a thread, for each that there is."""

RETRY_AFTER_S = 5

Work = Callable[[], Any]


class TooMuchWaits(Unavailable):
    """So much work waits for a thread that more would wait for too long."""


class Pool:
    """A fixed number of threads, which do one piece of work after another.

    They are daemons, unlike those of `concurrent.futures`: a thread that hangs does not keep the process from ending.

    Args:
        name: what the threads are called.
        threads: how many.
        most_waiting: how much work may wait for a thread; None for any amount.
    """

    def __init__(self, name: str, threads: int, most_waiting: int | None = None) -> None:
        self._waiting: SimpleQueue[tuple[Work, Future[Any]]] = SimpleQueue()
        self._most_waiting = most_waiting
        for number in range(threads):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def start(self, work: Work) -> Future[Any]:
        """Have work done by the next thread that is free.

        Returns:
            What it returns or raises. Once it is cancelled, which only work that waits can be, no thread begins it.

        Raises:
            TooMuchWaits: too much waits already. It would be done when its client has given up, and come back.
        """
        if self._most_waiting is not None and self._waiting.qsize() >= self._most_waiting:
            raise TooMuchWaits("Too many requests wait.", extra={"retry_after": RETRY_AFTER_S})
        outcome: Future[Any] = Future()
        self._waiting.put((work, outcome))
        return outcome

    def _work(self) -> None:
        while True:
            work, outcome = self._waiting.get()
            if outcome.set_running_or_notify_cancel():
                _do(work, outcome)
            # Nothing of a request is kept while the thread waits for the next.
            del work, outcome


def _do(work: Work, outcome: Future[Any]) -> None:
    try:
        result = work()
    except StopIteration as raised:
        # No future of asyncio takes it, and what waits for this one would wait for ever.
        outcome.set_exception(RuntimeError(f"The work raised {raised!r}."))
    except BaseException as raised:  # noqa: BLE001 - it is raised again where the outcome is waited for
        outcome.set_exception(raised)
    else:
        outcome.set_result(result)
