"""Chaos mode: deliveries are lost, dropped, delayed, duplicated and reordered, determined by a seed.

The fate of an attempt is a function of the seed, the event, the endpoint and the number of the attempt, so it
does not depend on timing. The event's id is derived from the seed, see `events`, and an endpoint is
identified by its URL's path. So the n-th event of an account has the same fate in every run. Source of the
possible
behaviour: https://docs.stripe.com/webhooks (at least once, in any order).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Chaos:
    """The probability of each failure, from 0 to 1."""

    seed: int | str
    lost: float = 0.02
    """An event never reaches an endpoint; only ``GET /v1/events?delivery_success=false`` lists it."""
    dropped: float = 0.2
    """An attempt is dropped as if the endpoint had not answered; the next attempts deliver the event."""
    delayed: float = 0.3
    """An attempt is delayed by up to ``longest_delay``, so that later events overtake it."""
    doubled: float = 0.2
    """An event is delivered twice, at the same time."""
    longest_delay: float = 2.0
    """Seconds."""
    drops_end: int = 3
    """How many attempts can be dropped. Later attempts are not, so that the event arrives."""

    def loses(self, event: str, endpoint: str) -> bool:
        """Return whether ``endpoint`` never receives ``event``."""
        return self._draw("lose", event, endpoint) < self.lost

    def copies(self, event: str, endpoint: str) -> int:
        """Return how often ``event`` is delivered to ``endpoint``: once or twice."""
        return 2 if self._draw("double", event, endpoint) < self.doubled else 1

    def drops(self, event: str, endpoint: str, attempt: int, attempts: int) -> bool:
        """Return whether an ``attempt`` (from 1) of at most ``attempts`` is dropped.

        The last attempt is never dropped.
        """
        if attempt > self.drops_end or attempt >= attempts:
            return False
        return self._draw("drop", event, endpoint, attempt) < self.dropped

    def delay(self, event: str, endpoint: str, attempt: int) -> float:
        """Return the additional delay of an ``attempt`` (from 1) in seconds."""
        if self._draw("delay", event, endpoint, attempt) >= self.delayed:
            return 0.0
        return self._draw("how long", event, endpoint, attempt) * self.longest_delay

    def _draw(self, *about: str | int) -> float:
        """Return a number from 0 to 1, exclusive, that is a function of the seed and ``about``."""
        return Random("/".join(map(str, (self.seed, *about)))).random()  # noqa: S311


CALM = Chaos("", lost=0, dropped=0, delayed=0, doubled=0)
"""No failures."""
