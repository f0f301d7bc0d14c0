"""What takes part in a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.load import post_all
from bench.server import Server


@dataclass(frozen=True)
class Timing:
    """What a contender did in a round.

    Attributes:
        tasks: how many: events settled, or purchases begun.
        cpu_seconds: processor time of the application's processes, the database's not included; None where there
            is no application, or the system does not tell.
        stripe_cpu_seconds: likewise, of the process that stands for Stripe.
    """

    tasks: int
    seconds: float
    cpu_seconds: float | None = None
    stripe_cpu_seconds: float | None = None

    @property
    def per_second(self) -> float:
        """Tasks done per second."""
        return self.tasks / self.seconds


@dataclass(frozen=True)
class Contender:
    """One that takes part. Its tasks are numbered from 0.

    Attributes:
        prepare: makes what the tasks of a round need, which is not measured.
        run: does them, and says how long it took.
        count: counts what has come of all tasks up to now, in several ways; each has to be the number of tasks.
    """

    name: str
    prepare: Callable[[range], None]
    run: Callable[[range], Timing]
    count: Callable[[], Mapping[str, int]]


def over_http(
    server: Server, request: Callable[[int], bytes], connections: int, stripe: Server | None = None
) -> Callable[[range], Timing]:
    """Do tasks by posting a request for each to a server.

    Args:
        request: makes the request of a task.
        connections: see `post_all`.
        stripe: the process that stands for Stripe, if the server calls one.
    """

    def run(numbers: range) -> Timing:
        requests = [request(number) for number in numbers]
        before, stripe_before = server.cpu_seconds(), stripe and stripe.cpu_seconds()
        seconds = post_all(server.port, requests, connections)
        used = _since(before, server.cpu_seconds())
        return Timing(len(requests), seconds, used, _since(stripe_before, stripe and stripe.cpu_seconds()))

    return run


def _since(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
