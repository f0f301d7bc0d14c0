"""Stripe's limits as options: requests per second, and concurrent requests for one object.

Source: https://docs.stripe.com/rate-limits.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stripe_simulator.errors import lock_timeout, rate_limited


class RateLimiter:
    """Admits at most ``limit`` requests of an account per second; None means no limit."""

    def __init__(self, limit: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._admitted: defaultdict[str, deque[float]] = defaultdict(deque)

    def admit(self, account: str) -> None:
        """Count a request; raises StripeError (429 ``rate_limit``) above the limit."""
        if self._limit is None:
            return
        with self._lock:
            now, admitted = self._clock(), self._admitted[account]
            while admitted and admitted[0] <= now - 1:
                admitted.popleft()
            if len(admitted) >= self._limit:
                raise rate_limited()
            admitted.append(now)


class ObjectLocks:
    """If ``enabled``, one request at a time may change an object; a concurrent one is refused."""

    def __init__(self, *, enabled: bool = False) -> None:
        self._enabled = enabled
        self._lock = threading.Lock()
        self.held: set[str] = set()

    @contextmanager
    def hold(self, identifier: str | None) -> Iterator[None]:
        """Lock an object; raises StripeError (429 ``lock_timeout``) if another request holds it."""
        if not self._enabled or identifier is None:
            yield
            return
        with self._lock:
            if identifier in self.held:
                raise lock_timeout()
            self.held.add(identifier)
        try:
            yield
        finally:
            self.held.discard(identifier)
