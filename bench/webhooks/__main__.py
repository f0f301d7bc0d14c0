"""Run the benchmark: ``python -m bench.webhooks --help``."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer
from bench import by_hand as shop
from bench.benchmark import Benchmark, MakeContender, report, run
from bench.contender import Contender
from bench.webhooks import bare, by_hand, djstripe, ours, pgbench

CONTENDERS: tuple[MakeContender, ...] = (
    ours.contender,
    ours.busy,
    by_hand.contender,
    partial(by_hand.contender, name=by_hand.WITH_8_THREADS, most_threads=8),
    bare.contender,
    pgbench.contender,
    partial(pgbench.contender, name=pgbench.SIX),
)


def contenders(
    stack: ExitStack, postgresql: EmbeddedServer, directory: Path, connections: int
) -> list[Contender]:
    """Start all contenders, without dj-stripe if it is not installed."""
    makers = list(CONTENDERS)
    if djstripe.is_installed():
        makers.append(djstripe.contender)
    else:
        report(f"without {djstripe.NAME}, which is not installed; `make bench` installs it")
    return [stack.enter_context(make(postgresql, directory, connections)) for make in makers]


BENCHMARK = Benchmark(
    name="webhooks",
    unit="events",
    tasks=1000,
    connections=32,
    contenders=contenders,
    baselines=(shop.NAME, by_hand.WITH_8_THREADS, djstripe.NAME, bare.NAME),
)

if __name__ == "__main__":
    run(BENCHMARK)
