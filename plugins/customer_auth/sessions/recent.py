"""A cache of what was found within the last seconds, of bounded size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """What this process has recently found. Any thread may call the methods.

    Args:
        for_s: for how many seconds a value is returned.
        most: how many values are kept.
        clock: returns seconds.
    """

    def __init__(self, for_s: float, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._for_s = for_s
        self._most = most
        self._clock = clock
        self._found: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """Return a value that was put within the last seconds; None without one."""
        found = self._found.get(key)
        return found[1] if found is not None and self._clock() - found[0] < self._for_s else None

    def put(self, key: K, value: V, found_at: float) -> None:
        """Keep a value.

        Args:
            key: its key.
            value: the value.
            found_at: what `now` returned before it was looked up.
        """
        with self._lock:
            self._found[key] = (found_at, value)
            self._found.move_to_end(key)
            while len(self._found) > self._most:
                self._found.popitem(last=False)

    def now(self) -> float:
        """Return the time of the clock."""
        return self._clock()
