"""What takes part in the benchmark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import LiteralString

from bench.webhooks.load import post_all
from bench.webhooks.server import Server


@dataclass(frozen=True)
class Timing:
    """What a contender did in a round.

    Attributes:
        cpu_seconds: processor time of the application's processes, the database's not included; None where there
            is no application, or the system does not tell.
    """

    events: int
    seconds: float
    cpu_seconds: float | None = None

    @property
    def per_second(self) -> float:
        """Events settled per second."""
        return self.events / self.seconds

    @property
    def cpu_microseconds(self) -> float | None:
        """Processor time per event."""
        return None if self.cpu_seconds is None else self.cpu_seconds / self.events * 1e6


@dataclass(frozen=True)
class Contender:
    """One that takes part. Its payments are numbered from 0.

    Attributes:
        address: of its database, for the owner.
        pending: SQL that makes the pending payments from ``%(first)s`` to ``%(last)s``.
        settled: SQL that counts completed payments, grants, and payments that have a grant.
        run: settles pending payments, and says how long it took.
    """

    name: str
    address: str
    pending: LiteralString
    settled: LiteralString
    run: Callable[[range], Timing]


def over_http(server: Server, request: Callable[[int], bytes], connections: int) -> Callable[[range], Timing]:
    """Settle payments by posting events to a server.

    Args:
        request: makes the request that settles a payment.
        connections: see `post_all`.
    """

    def run(numbers: range) -> Timing:
        requests = [request(number) for number in numbers]
        before = server.cpu_seconds()
        seconds = post_all(server.port, requests, connections)
        after = server.cpu_seconds()
        used = None if before is None or after is None else after - before
        return Timing(len(requests), seconds, used)

    return run
