"""Spares a store that does not answer, so that requests do not queue up behind it. Pure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

PAUSE_S: Final = 5.0
"""For how long no call is made after one was not answered, in seconds."""


class StoreDoesNotAnswer(OSError):
    """The store did not answer a moment ago, and is not asked now."""


class Breaker:
    """Opens when a call is not answered. Then calls fail at once, except one every few seconds.

    Without it, each thread of the server would wait for the timeout of each request.

    Args:
        pause_s: see `PAUSE_S`.
        clock: seconds that never go back.
    """

    def __init__(self, pause_s: float = PAUSE_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause_s, self._clock = pause_s, clock
        self._lock = threading.Lock()
        self._silent_until: float | None = None

    def require(self) -> None:
        """Let a call through, or not.

        Raises:
            StoreDoesNotAnswer: an earlier call was not answered, and it is too early for the next try.
        """
        with self._lock:
            if self._silent_until is None:
                return
            now = self._clock()
            if now < self._silent_until:
                raise StoreDoesNotAnswer("the store did not answer, and is asked again in a few seconds")
            # This call is the try. The others wait for its result, or for the next pause.
            self._silent_until = now + self._pause_s

    def failed(self) -> None:
        """Note that a call was not answered."""
        with self._lock:
            self._silent_until = self._clock() + self._pause_s

    def answered(self) -> None:
        """Note that a call was answered, if only by a refusal."""
        # Without the lock on the usual path: the value is None already.
        if self._silent_until is not None:
            with self._lock:
                self._silent_until = None
