"""Thread pools for the application."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from autonomy_core.errors import AutonomyError, Unavailable

WAITING_PER_THREAD = 32
"""The maximum number of queued requests per thread."""

RETRY_AFTER_S = 5

Work = Callable[[], Any]
"""The function must not raise, because that would end the thread."""


class TooMuchWaits(Unavailable):
    """The queue is full: a request would wait too long."""


class Job:
    """A function for a thread, and the futures of the event loop that wait for it.

    Only `take` and `end` may be called outside of the event loop. `concurrent.futures` with
    `asyncio.wrap_future` would take 20 µs more per request.

    Attributes:
        answer: the result of the function, or the error that ended the waiting.
        ended: is done when no thread uses the function any more.
    """

    __slots__ = ("_loop", "_taken", "_work", "answer", "ended")

    def __init__(self, work: Work) -> None:
        self._loop = asyncio.get_running_loop()
        self._work: Work | None = work
        self._taken = threading.Lock()
        self.answer: asyncio.Future[Any] = self._loop.create_future()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def take(self) -> Work | None:
        """Return the function to the first caller, and None to others."""
        if not self._taken.acquire(blocking=False):
            return None
        # Drop the reference, so that a withdrawn job in the queue does not keep its request in memory.
        work, self._work = self._work, None
        return work

    def end(self, answer: Any) -> None:
        """Set the result."""
        try:
            self._loop.call_soon_threadsafe(self._end, answer)
        except RuntimeError:
            # The event loop is closed, because the process is ending.
            return

    def withdraw(self, error: AutonomyError) -> bool:
        """Raise an error in the waiting code, unless a thread has started the function.

        Returns:
            Whether the job is withdrawn. Then the function will not be called.
        """
        if self.take() is None:
            return False
        self.ended.set_result(None)
        self.leave(error)
        return True

    def leave(self, error: AutonomyError) -> None:
        """Raise an error in the waiting code. A thread that has started the function completes it."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def _end(self, answer: Any) -> None:
        self.ended.set_result(None)
        if not self.answer.done():
            self.answer.set_result(answer)


class Pool:
    """A fixed number of threads with a queue.

    The threads are daemons, unlike those of `concurrent.futures`: if one blocks, the process can still end.

    Args:
        name: the prefix of the threads' names.
        threads: the number of threads.
        most_waiting: the maximum length of the queue; None for no limit.
    """

    def __init__(self, name: str, threads: int, most_waiting: int | None = None) -> None:
        self._waiting: SimpleQueue[Job] = SimpleQueue()
        self._most_waiting = most_waiting
        for number in range(threads):
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True).start()

    def start(self, work: Work) -> Job:
        """Let the next free thread call a function. Call this in the event loop.

        Raises:
            TooMuchWaits: the queue is full. The client would give up and retry before the function ran.
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
            # Drop the references, so that an idle thread does not keep a request in memory.
            del job, work
