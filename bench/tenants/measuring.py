"""The measurements of one installation."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from itertools import cycle, islice
from typing import Final

from autonomy_core.cli.context import CliContext
from autonomy_core.jobs.services import defer
from autonomy_core.operations.logging import configure_logging
from autonomy_core.runtime import make_runtime
from bench.tenants.processes import NotServed, Started, server, until, worker
from bench.tenants.shops import UNKNOWN_HOST, Shops, hosts_of

Figures = dict[str, float]
"""Measured values, by their name in the table."""

FIRST_START: Final = "server: first start, s"
START: Final = "server: start, s"
START_CPU: Final = "server: start, CPU s"
MEMORY: Final = "server: memory, MiB"
MEMORY_ALL: Final = "server: memory after requests to every organisation, MiB"
POLL: Final = "server: idle, CPU s per minute"
CHANGED: Final = "server: changed file in service, s"
ADDED: Final = "server: added file in service, s"
REMOVED: Final = "server: removed file out of service, s"
WORKER_FIRST_START: Final = "worker: first start, s"
WORKER_START: Final = "worker: start, s"
WORKER_START_CPU: Final = "worker: start, CPU s"
WORKER_MEMORY: Final = "worker: memory, MiB"
WORKER_MEMORY_LATER: Final = "worker: memory later, MiB"

IDLE_S = 20.0
MINUTE_S = 60


def measure_starts(shops: Shops) -> Figures:
    """Measure the first start and the next, and the memory after the first requests."""
    hosts = shops.hosts()
    _forget_data(shops)
    with server(shops, hosts[0]) as started:
        first = started.seconds
        _wait_for_index(shops)
    with server(shops, hosts[0]) as started:
        _expect([200, 200, 404], started.ask([hosts[0], hosts[-1], UNKNOWN_HOST]))
        figures = {FIRST_START: first, START: started.seconds, START_CPU: started.cpu_at_start}
        figures[MEMORY] = started.memory()
    with worker(shops) as started:
        figures |= {WORKER_START: started.seconds, WORKER_START_CPU: started.cpu_at_start}
        figures[WORKER_MEMORY] = started.memory()
    _forget_data(shops)
    with worker(shops) as started:
        return figures | {WORKER_FIRST_START: started.seconds}


def measure_service(shops: Shops, requests: int, idle_s: float = IDLE_S) -> Figures:
    """Measure a serving process: its memory after many requests, the cost of checks for changes, and changes.

    Args:
        shops: the installation.
        requests: the number of requests, at least one to every organisation. It is the same for each number
            of organisations, because the first thousands of requests need some memory in any case.
        idle_s: the time without requests, in seconds.
    """
    hosts = shops.hosts()
    with server(shops, hosts[0]) as started:
        _expect([200] * requests, started.ask(islice(cycle(hosts), requests)))
        figures = {MEMORY_ALL: started.memory(), POLL: _idle(started, idle_s)}
        return figures | _changes(shops, started)


def measure_worker_later(shops: Shops, seconds: float) -> Figures:
    """Measure the worker's memory after it has checked every organisation for due jobs.

    Before, it has run every periodic job with each number of organisations: what jobs import stays loaded.
    """
    _defer_periodic_jobs(shops)
    with worker(shops) as started:
        time.sleep(seconds)
        return {WORKER_MEMORY_LATER: started.memory()}


def _defer_periodic_jobs(shops: Shops) -> None:
    """Defer every periodic job of the first organisation."""
    configure_logging(level="warning")
    runtime = make_runtime(CliContext(shops.config).raw_settings)
    organisation = runtime.tenants.get(shops.path(0).stem)
    if organisation is None:
        raise NotServed(f"{shops.path(0)} is not valid")
    with runtime.transaction(organisation) as scope:
        for job in runtime.jobs:
            if job.every is not None:
                defer(scope, job.name)
    runtime.close()


def _changes(shops: Shops, started: Started) -> Figures:
    added, last = shops.count, shops.count - 1
    host, new_host = hosts_of(last)[0], hosts_of(added)[0]

    def answers(host: str, status: int) -> Callable[[], bool]:
        return lambda: started.ask([host]) == [status]

    shops.path(last).write_text(shops.path(last).read_text("utf-8").replace(host, "changed.example"), "utf-8")
    figures = {CHANGED: until(answers("changed.example", 200), "a changed file")}
    shops.write(last)
    until(answers(host, 200), "a restored file")
    shops.write(added)
    figures[ADDED] = until(answers(new_host, 200), "a new file")
    shops.path(added).unlink()
    return figures | {REMOVED: until(answers(new_host, 404), "a removed file")}


def _idle(started: Started, seconds: float) -> float:
    before = started.cpu_seconds()
    time.sleep(seconds)
    return (started.cpu_seconds() - before) * MINUTE_S / seconds


def _forget_data(shops: Shops) -> None:
    data = shops.directory / "data"
    shutil.rmtree(data)
    data.mkdir()


def _wait_for_index(shops: Shops) -> None:
    """Wait for the index that a process stores for the next start."""
    until(lambda: any((shops.directory / "data").glob("tenants-index*")), "the index of the organisations")


def _expect(wanted: list[int], statuses: list[int]) -> None:
    if statuses != wanted:
        raise NotServed(f"expected {wanted[:5]}…, but the server answered {statuses[:5]}…")
