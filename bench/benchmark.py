"""The command line of a benchmark: makes everything, measures, prints, and removes everything."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.operations.logging import configure_logging
from bench import database
from bench.contender import Contender
from bench.load import LoadError
from bench.report import table
from bench.rounds import Timings, play_rounds
from bench.server import ROOT, ServerError

DIRECTORY = ROOT / "var" / "bench"

MakeContender = Callable[[EmbeddedServer, Path, int], AbstractContextManager[Contender]]
"""Starts a contender, with its database in the PostgreSQL, its files in the directory, and so many threads."""


@dataclass(frozen=True)
class Benchmark:
    """What is measured, and of whom.

    Attributes:
        name: of the package below ``bench``.
        unit: what is done, in the plural; also the name of the option that says how many.
        tasks: how many each contender does in a round, if the option does not say.
        connections: likewise, over how many at once.
        contenders: starts those that take part, until the stack is left.
        baselines: with whom the others are compared.
    """

    name: str
    unit: str
    tasks: int
    connections: int
    contenders: Callable[[ExitStack, EmbeddedServer, Path, int], Sequence[Contender]]
    baselines: Sequence[str]

    def main(self, arguments: list[str] | None = None) -> int:
        """Measure and print; the exit status is 1 if anything was not done exactly once."""
        options = self._parser().parse_args(arguments)
        tasks = -(-options.tasks // options.connections) * options.connections
        try:
            timings, version = self.measure(tasks, options.rounds, options.connections)
        except (LoadError, ServerError, database.VoidRun) as error:
            print(f"The run is void: {error}", file=sys.stderr)
            return 1
        baselines = [name for name in self.baselines if name in timings]
        print(
            f"\n{options.rounds} rounds of {tasks} {self.unit}, {options.connections} connections and threads;"
        )
        print(f"PostgreSQL {version}, fsync and synchronous_commit on; {os.cpu_count()} processor cores.")
        print(f"Median (least-greatest); ratios by round.\n\n{table(timings, baselines, self.unit)}")
        return 0

    def measure(self, tasks: int, rounds: int, connections: int) -> tuple[Timings, str]:
        """Start everything, measure, and remove everything; gives the timings and PostgreSQL's version.

        Args:
            tasks: in a round, for each contender; a multiple of ``connections``.

        Raises:
            VoidRun, LoadError, ServerError: what was measured does not count.
        """
        with ExitStack() as stack:
            directory = stack.enter_context(temporary_directory(self.name))
            postgresql = stack.enter_context(database.embedded_server(directory / "postgresql"))
            version = database.require_durability(postgresql)
            tell(f"starting the contenders of bench.{self.name}")
            contenders = self.contenders(stack, postgresql, directory, connections)
            warm_up = min(tasks, 25 * connections)
            return play_rounds(contenders, rounds=rounds, tasks=tasks, warm_up=warm_up, tell=tell), version

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(
            prog=f"python -m bench.{self.name}", formatter_class=argparse.ArgumentDefaultsHelpFormatter
        )
        parser.add_argument("--rounds", type=_positive, default=3, help="in which the contenders take turns")
        parser.add_argument(
            f"--{self.unit}",
            type=_positive,
            default=self.tasks,
            dest="tasks",
            help="in a round, for each contender",
        )
        parser.add_argument(
            "--connections", type=_positive, default=self.connections, help="and threads of each server"
        )
        return parser


def run(benchmark: Benchmark) -> None:
    """Run a benchmark as a program."""
    # As an exception, so that processes and files are removed on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    configure_logging(level="warning")
    sys.exit(benchmark.main())


def tell(line: str) -> None:
    """Say what happens; the results alone go to the standard output."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def temporary_directory(name: str) -> Iterator[Path]:
    """A directory below `DIRECTORY`, until the end of the block."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=DIRECTORY))
    directory.chmod(0o755)  # the embedded server's account has to pass through
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
