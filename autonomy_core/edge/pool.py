"""Threads for the application."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
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
        self._waiting: SimpleQueue[tuple[Work, asyncio.Future[Any]]] = SimpleQueue()
        self._most_waiting = most_waiting
        for number in range(threads):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    async def run(self, work: Work) -> Any:
        """What the work returns, or raises. Where no thread is free it waits for one.

        Raises:
            TooMuchWaits: too much waits already. It would be done when its client has given up, and come back.
        """
        if self._most_waiting is not None and self._waiting.qsize() >= self._most_waiting:
            raise TooMuchWaits("Too many requests wait.", extra={"retry_after": RETRY_AFTER_S})
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.put((work, done))
        return await done

    def _work(self) -> None:
        while True:
            work, done = self._waiting.get()
            try:
                result, error = work(), None
            except BaseException as raised:  # noqa: BLE001 - it is raised again where the result is waited for
                result, error = None, raised
            done.get_loop().call_soon_threadsafe(_settle, done, result, error)
            # Nothing of a request is kept while the thread waits for the next.
            del work, done, result, error


def _settle(done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(result)
    elif isinstance(error, StopIteration):
        # No future takes it, and what waits for this one would wait for ever.
        done.set_exception(RuntimeError(f"The work raised {error!r}."))
    else:
        done.set_exception(error)
