"""Threads for the application."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from autonomy_core.errors import AutonomyError, Unavailable

WAITING_PER_THREAD = 32
"""How many requests may wait for a thread, for each that there is."""

RETRY_AFTER_S = 5

Work = Callable[[], Any]
"""It must not raise: no thread would do what comes after it."""


class TooMuchWaits(Unavailable):
    """So much work waits for a thread that more would wait for too long."""


class Job:
    """Work that a thread is to do, and the futures of the event loop that wait for it.

    Only `take` and `end` may be called outside of the loop. What `concurrent.futures` and `asyncio.wrap_future` do for
    the same takes 20 µs more of each request.

    Attributes:
        answer: what the work returns; or the error for which nobody waits for that any longer.
        ended: is done when no thread has to do with the work any more.
    """

    __slots__ = ("_loop", "_taken", "_work", "answer", "ended")

    def __init__(self, work: Work) -> None:
        self._loop = asyncio.get_running_loop()
        self._work: Work | None = work
        self._taken = threading.Lock()
        self.answer: asyncio.Future[Any] = self._loop.create_future()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def take(self) -> Work | None:
        """Return the work, to the first who asks."""
        if not self._taken.acquire(blocking=False):
            return None
        # Nothing of a request is kept by a job that waits in the queue in vain.
        work, self._work = self._work, None
        return work

    def end(self, answer: Any) -> None:
        """Give the answer."""
        try:
            self._loop.call_soon_threadsafe(self._end, answer)
        except RuntimeError:
            # The process ends: the loop is closed, and nothing waits.
            return

    def withdraw(self, error: AutonomyError) -> bool:
        """Raise an error where the answer is awaited, unless a thread has begun; then the work is never begun.

        Returns:
            Whether the work is withdrawn.
        """
        if self.take() is None:
            return False
        self.ended.set_result(None)
        self.leave(error)
        return True

    def leave(self, error: AutonomyError) -> None:
        """Raise an error where the answer is awaited. What a thread has begun, it does to its end."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def _end(self, answer: Any) -> None:
        self.ended.set_result(None)
        if not self.answer.done():
            self.answer.set_result(answer)


class Pool:
    """A fixed number of threads, which do one piece of work after another.

    They are daemons, unlike those of `concurrent.futures`: a thread that hangs does not keep the process from ending.

    Args:
        name: what the threads are called.
        threads: how many.
        most_waiting: how much work may wait for a thread; None for any amount.
    """

    def __init__(self, name: str, threads: int, most_waiting: int | None = None) -> None:
        self._waiting: SimpleQueue[Job] = SimpleQueue()
        self._most_waiting = most_waiting
        for number in range(threads):
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True).start()

    def start(self, work: Work) -> Job:
        """Have work done by the next thread that is free. Called in the event loop.

        Raises:
            TooMuchWaits: too much waits already. It would be done when its client has given up, and come back.
        """
        if self._most_waiting is not None and self._waiting.qsize() >= self._most_waiting:
            raise TooMuchWaits("Too many requests wait.", extra={"retry_after": RETRY_AFTER_S})
        job = Job(work)
        self._waiting.put(job)
        return job

    def _run(self) -> None:
        while True:
            job = self._waiting.get()
            work = job.take()
            if work is not None:
                job.end(work())
            # Nothing of a request is kept while the thread waits for the next.
            del job, work
