"""How long, how much and how many: what one client may take of the server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autonomy_core.settings import Settings

HEAD_S = 15
"""How long a request's head may take, and how long a connection may wait for its next request."""

HEAD_BYTES = 64 * 1024
"""How large a head may be, and how much of an answer waits in the server for a slow connection."""

MOST_CONNECTIONS = 10_000
"""Of one process, if the system lets it have so many files open."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the edge goes by.

    Attributes:
        spool: the directory in which large bodies are kept until they are whole.
        body_s: how long a body may take at first, and pause later, in seconds.
        per_address: how many slow requests one address may have at once, in each process.
        spool_bytes: how much of bodies that are not whole yet may lie in ``spool``, of each process.
        least_rate: for each so many bytes that have arrived, a body may take a second more.
        longest_s: how long a body may take in all, in seconds.
        grace_s: how long a body is waited for before the application is asked whether it wants it.
        memory_bytes: a body up to this size is kept in memory.
        plain_bytes: how large a body may be, unless the view has asked for more; see `expect_large_body`.
        listener_s: how long a client may take nothing of an answer, and for each 16 KiB of a piece, in seconds.
        answer_s: how long a whole request may wait for a thread and for its answer, in seconds.
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
        """The limits that the server's settings set."""
        return cls(
            spool=settings.data / "spool",
            body_s=settings.body_seconds,
            per_address=settings.slow_per_address,
            spool_bytes=settings.spool_megabytes * 1024**2,
            answer_s=settings.answer_seconds,
        )

    def allowed_s(self, received: int) -> float:
        """How long a body may have taken of which so many bytes have arrived."""
        return min(self.body_s + received / self.least_rate, self.longest_s)
