"""Run the benchmark: ``python -m bench.catalogue --help``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer
from bench.benchmark import Benchmark, report, run
from bench.catalogue import by_hand, drf, ours
from bench.contender import Contender


def contenders(
    stack: ExitStack, postgresql: EmbeddedServer, directory: Path, connections: int
) -> list[Contender]:
    """Start all contenders, without Django REST framework if it is not installed."""
    makers = [by_hand.contender]
    if drf.is_installed():
        makers.append(drf.contender)
    else:
        report(f"without {drf.NAME}, which is not installed; `make bench` installs it")
    own = stack.enter_context(ours.contenders(postgresql, directory, connections))
    return [*own, *(stack.enter_context(make(postgresql, directory, connections)) for make in makers)]


BENCHMARK = Benchmark(
    name="catalogue",
    unit="lists",
    tasks=3200,
    connections=8,
    contenders=contenders,
    baselines=(by_hand.NAME, drf.NAME),
)

if __name__ == "__main__":
    run(BENCHMARK)
