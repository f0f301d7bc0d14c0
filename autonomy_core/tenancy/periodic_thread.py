"""A thread that does the same work again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable


class PeriodicThread:
    """Does some work every so many seconds, and at once when it is woken, in a thread of its own.

    Args:
        work: it must not raise. It is done once more when the thread is stopped.
        name: the thread's.
    """

    def __init__(self, work: Callable[[], None], seconds: float, name: str) -> None:
        self.seconds = seconds
        self.is_stopping = False
        self._work = work
        self._name = name
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, unless it runs. Call it after forking: a thread does not survive a fork."""
        if self._thread is None:
            self.is_stopping = False
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it."""
        if self._thread is not None:
            self.is_stopping = True
            self._wake.set()
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """Have the work done now. Waits for no lock of ours, so a signal handler may call it."""
        self._wake.set()

    def _run(self) -> None:
        while not self.is_stopping:
            self._wake.wait(self.seconds)
            self._wake.clear()
            self._work()
