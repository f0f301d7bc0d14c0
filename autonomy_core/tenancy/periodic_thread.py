"""A thread that repeats its work periodically."""

from __future__ import annotations

import threading
from collections.abc import Callable


class PeriodicThread:
    """Runs a function periodically in its own thread, and immediately when woken.

    Args:
        work: the function. It must not raise. It runs once more when the thread is stopped.
        seconds: the time between two runs, in seconds.
        name: the thread's name.
    """

    def __init__(self, work: Callable[[], None], seconds: float, name: str) -> None:
        self.seconds = seconds
        self.is_stopping = False
        self._work = work
        self._name = name
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, unless it runs. Call it after forking, because threads do not survive a fork."""
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
        """Run the work now. This takes no lock, so signal handlers may call it."""
        self._wake.set()

    def _run(self) -> None:
        while not self.is_stopping:
            self._wake.wait(self.seconds)
            self._wake.clear()
            self._work()
