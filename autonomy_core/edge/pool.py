"""Threads for the application."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

Work = Callable[[], Any]


class Pool:
    """A fixed number of threads, which do one piece of work after another.

    They are daemons, unlike those of `concurrent.futures`: a thread that hangs does not keep the process from ending.

    Args:
        name: what the threads are called.
        threads: how many.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._waiting: SimpleQueue[tuple[Work, asyncio.Future[Any]]] = SimpleQueue()
        for number in range(threads):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    async def run(self, work: Work) -> Any:
        """What the work returns, or raises. Where no thread is free it waits for one."""
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
    else:
        done.set_exception(error)
