"""Run the benchmark: ``python -m bench.webhooks --help``."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer
from bench.benchmark import Benchmark, MakeContender, run
from bench.contender import Contender
from bench.webhooks import by_hand, ours, pgbench

CONTENDERS: tuple[MakeContender, ...] = (
    ours.with_hooks,
    ours.shipped,
    by_hand.contender,
    pgbench.contender,
    partial(pgbench.contender, name=pgbench.SIX),
)


def contenders(
    stack: ExitStack, postgresql: EmbeddedServer, directory: Path, connections: int
) -> list[Contender]:
    """Start everybody."""
    return [stack.enter_context(make(postgresql, directory, connections)) for make in CONTENDERS]


BENCHMARK = Benchmark(
    name="webhooks",
    unit="events",
    tasks=500,
    contenders=contenders,
    baselines=("flask", "djstripe", "psycopg_six"),
)

if __name__ == "__main__":
    run(BENCHMARK)
