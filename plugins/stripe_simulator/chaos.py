"""Chaos mode: deliveries that are lost, dropped, delayed, doubled and overtaken, as a seed decides.

What happens to an attempt is a function of the seed, the event, the endpoint and the number of the attempt, so that
asking twice gives the same answer, whatever else goes on. The event's id follows from the seed as well, see `events`, and
an endpoint is known by its URL's path: so the n-th event of an account fares alike in every run. Source of what can happen:
https://docs.stripe.com/webhooks (at least once, in any order).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Chaos:
    """How likely what is, each from 0 to 1."""

    seed: int | str
    lost: float = 0.02
    """An event never reaches an endpoint: only ``GET /v1/events?delivery_success=false`` tells of it."""
    dropped: float = 0.2
    """An attempt goes astray, as if the endpoint had not answered; the next attempts make up for it."""
    delayed: float = 0.3
    """An attempt waits up to ``longest_delay`` more, and is overtaken by later events meanwhile."""
    doubled: float = 0.2
    """An event is delivered twice, at the same time."""
    longest_delay: float = 2.0
    """Seconds."""
    drops_end: int = 3
    """Attempts that can be dropped. Those after them are spared, so that the event arrives."""

    def loses(self, event: str, endpoint: str) -> bool:
        """Say whether ``endpoint`` never gets ``event``."""
        return self._draw("lose", event, endpoint) < self.lost

    def copies(self, event: str, endpoint: str) -> int:
        """Return how often ``event`` is delivered to ``endpoint``: once or twice."""
        return 2 if self._draw("double", event, endpoint) < self.doubled else 1

    def drops(self, event: str, endpoint: str, attempt: int, attempts: int) -> bool:
        """Say whether an ``attempt`` (from 1) of at most ``attempts`` goes astray; the last one never does."""
        if attempt > self.drops_end or attempt >= attempts:
            return False
        return self._draw("drop", event, endpoint, attempt) < self.dropped

    def delay(self, event: str, endpoint: str, attempt: int) -> float:
        """Return the seconds that an ``attempt`` (from 1) waits longer than it should."""
        if self._draw("delay", event, endpoint, attempt) >= self.delayed:
            return 0.0
        return self._draw("how long", event, endpoint, attempt) * self.longest_delay

    def _draw(self, *about: str | int) -> float:
        """Return a number from 0 to 1, excluded, that belongs to the seed and what it is ``about``."""
        return Random("/".join(map(str, (self.seed, *about)))).random()  # noqa: S311


CALM = Chaos("", lost=0, dropped=0, delayed=0, doubled=0)
"""Nothing goes wrong."""
