"""The contenders of a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.load import send_all
from bench.server import Server


@dataclass(frozen=True)
class Timing:
    """The result of a contender in a round.

    Attributes:
        tasks: the number of settled events, or begun purchases.
        seconds: the elapsed time.
        cpu_seconds: the processor time of the application, without the database; None without an application,
            or if it is not available.
        stripe_cpu_seconds: the same for the process that replaces Stripe.
    """

    tasks: int
    seconds: float
    cpu_seconds: float | None = None
    stripe_cpu_seconds: float | None = None

    @property
    def per_second(self) -> float:
        """Tasks per second."""
        return self.tasks / self.seconds


@dataclass(frozen=True)
class Contender:
    """A contender. Its tasks are numbered from 0.

    Attributes:
        name: the name in the table.
        prepare: prepares the tasks of a round; this is not measured.
        run: does the tasks, and returns the timing.
        count: counts the results of all tasks so far in several ways; each must equal the number of tasks.
    """

    name: str
    prepare: Callable[[range], None]
    run: Callable[[range], Timing]
    count: Callable[[], Mapping[str, int]]


def over_http(
    server: Server, request: Callable[[int], bytes], connections: int, stripe: Server | None = None
) -> Callable[[range], Timing]:
    """Return a function that does tasks by posting a request for each to a server.

    Args:
        server: the server.
        request: creates the request of a task.
        connections: see `send_all`.
        stripe: the process that replaces Stripe, if the server calls it.
    """

    def run(numbers: range) -> Timing:
        requests = [request(number) for number in numbers]
        before, stripe_before = server.cpu_seconds(), stripe and stripe.cpu_seconds()
        seconds = send_all(server.port, requests, connections)
        used = _since(before, server.cpu_seconds())
        return Timing(len(requests), seconds, used, _since(stripe_before, stripe and stripe.cpu_seconds()))

    return run


def _since(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
