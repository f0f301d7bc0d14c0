"""Limits for clients: times, sizes and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autonomy_core.settings import Settings

HEAD_S = 15
"""The maximum time for a request's headers and for an idle connection, in seconds."""

HEAD_BYTES = 64 * 1024
"""The maximum size of the headers, and of the part of an answer that is buffered for a slow connection."""

MOST_CONNECTIONS = 10_000
"""The maximum number of connections per process, if the system allows that many open files."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the edge.

    Attributes:
        spool: the directory for large bodies that are not complete.
        body_s: the maximum time until a body's first part, and between parts, in seconds.
        per_address: the maximum number of concurrent slow requests of one address, per process.
        spool_bytes: the maximum size of incomplete bodies in ``spool``, per process, in bytes.
        least_rate: the minimum rate of a body, in bytes per second.
        longest_s: the maximum time for a whole body, in seconds.
        grace_s: the time to wait for a body before the application is called without it, in seconds.
        memory_bytes: the maximum size of a body that is kept in memory, in bytes.
        plain_bytes: the maximum size of a body, unless the view requests more with `expect_large_body`, in
            bytes.
        listener_s: the maximum time in which a client reads nothing of an answer, and for each 16 KiB, in
            seconds.
        answer_s: the maximum time that a complete request waits for a thread and for its answer, and for each
            piece of an answer that is read from a store meanwhile, in seconds.
    """

    spool: Path
    body_s: float = 30.0
    per_address: int = 100
    spool_bytes: int = 4 * 1024**3
    least_rate: int = 16 * 1024
    longest_s: float = 3600.0
    grace_s: float = 0.2
    memory_bytes: int = 64 * 1024
    plain_bytes: int = 2 * 1024**2
    listener_s: float = 60.0
    answer_s: float = 120.0

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits according to the server's settings."""
        return cls(
            spool=settings.data / "spool",
            body_s=settings.body_seconds,
            per_address=settings.slow_per_address,
            spool_bytes=settings.spool_megabytes * 1024**2,
            answer_s=settings.answer_seconds,
        )

    def allowed_s(self, received: int) -> float:
        """The maximum age of a body of which so many bytes have arrived, in seconds."""
        return min(self.body_s + received / self.least_rate, self.longest_s)
