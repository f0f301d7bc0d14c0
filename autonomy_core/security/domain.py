"""Rate limits: leaky buckets, also known as GCRA. No framework, no database, no clock."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A bucket for ``attempts`` that drains in ``period``.

    The only state of a bucket is the time at which it will be empty.
    """

    attempts: int
    period: timedelta

    @property
    def interval(self) -> timedelta:
        """The time in which one attempt drains."""
        return self.period / self.attempts

    def wait(self, drained_at: datetime, now: datetime) -> int:
        """Return how many whole seconds an attempt is too early; 0 if it is allowed.

        Args:
            drained_at: when the bucket will be empty, with this attempt included.
            now: the current time.
        """
        return max(0, math.ceil((drained_at - now - self.period).total_seconds()))


@dataclass(frozen=True, slots=True)
class Bucket:
    """Attempts that are counted together.

    Attributes:
        kind: the action and the property that is counted, for example ``login.email``.
        subject: what is counted, for example an address, or the network of the client.
        limit: the rate limit.
    """

    kind: str
    subject: str
    limit: RateLimit

    def name(self, key: bytes) -> str:
        """Return the stored name. It is a keyed hash, so that the table does not reveal addresses.

        Args:
            key: the organisation's key, at most 64 bytes.
        """
        return f"{self.kind}:{hashlib.blake2b(self.subject.encode(), key=key, digest_size=16).hexdigest()}"
