"""Run the benchmark: ``python -m bench.purchase --help``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer
from bench.benchmark import Benchmark, run
from bench.contender import Contender
from bench.purchase import by_hand, ours, simulator

CONTENDERS = (ours.contender, by_hand.contender, simulator.contender)


def contenders(
    stack: ExitStack, postgresql: EmbeddedServer, directory: Path, connections: int
) -> list[Contender]:
    """Start the simulator, and all contenders."""
    stripe = stack.enter_context(simulator.serving(directory))
    return [stack.enter_context(make(postgresql, directory, connections, stripe)) for make in CONTENDERS]


BENCHMARK = Benchmark(
    name="purchase",
    unit="purchases",
    tasks=600,
    connections=8,
    contenders=contenders,
    baselines=(by_hand.NAME, simulator.NAME),
)

if __name__ == "__main__":
    run(BENCHMARK)
