"""Stripe's limits, for those who want to meet them: requests in a second, and requests that want one object.

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
    """Admits at most ``limit`` requests of an account in any second; None admits all."""

    def __init__(self, limit: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._admitted: defaultdict[str, deque[float]] = defaultdict(deque)

    def admit(self, account: str) -> None:
        """Count a request; raises StripeError (429 ``rate_limit``) if it is one too many."""
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
    """Lets one request at a time change an object, and refuses the second one, if ``enabled``."""

    def __init__(self, *, enabled: bool = False) -> None:
        self._enabled = enabled
        self._lock = threading.Lock()
        self.held: set[str] = set()

    @contextmanager
    def hold(self, identifier: str | None) -> Iterator[None]:
        """Keep an object to oneself; raises StripeError (429 ``lock_timeout``) if another request has it."""
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
