"""The command line of a benchmark: sets up, measures, prints and cleans up."""

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
"""Starts a contender with its database, a directory for its files, and a number of threads."""


@dataclass(frozen=True)
class Benchmark:
    """A benchmark's name, defaults and contenders.

    Attributes:
        name: the name of the package below ``bench``.
        unit: the plural of a task; also the name of the option for their number.
        tasks: the default number of tasks of each contender in a round.
        connections: the default number of concurrent connections.
        contenders: starts the contenders, which stop with the stack.
        baselines: the names of the contenders that the others are compared with.
    """

    name: str
    unit: str
    tasks: int
    connections: int
    contenders: Callable[[ExitStack, EmbeddedServer, Path, int], Sequence[Contender]]
    baselines: Sequence[str]

    def main(self, arguments: list[str] | None = None) -> int:
        """Measure and print. The exit status is 1 if a task was not done exactly once."""
        options = self._parser().parse_args(arguments)
        tasks = -(-options.tasks // options.connections) * options.connections
        try:
            timings, version = self.measure(tasks, options.rounds, options.connections)
        except (LoadError, ServerError, database.VoidRun) as error:
            print(f"The run is void: {error}", file=sys.stderr)
            return 1
        baselines = [name for name in self.baselines if name in timings]
        print(
            f"\n{options.rounds} rounds of {tasks} {self.unit}, {options.connections} connections and "
            "threads;"
        )
        print(f"PostgreSQL {version}, fsync and synchronous_commit on; {os.cpu_count()} processor cores.")
        print(f"Median (least-greatest); ratios by round.\n\n{table(timings, baselines, self.unit)}")
        return 0

    def measure(self, tasks: int, rounds: int, connections: int) -> tuple[Timings, str]:
        """Start everything, measure, and clean up.

        Args:
            tasks: the tasks of each contender in a round; a multiple of ``connections``.
            rounds: the number of rounds.
            connections: the number of concurrent connections.

        Returns:
            The timings, and PostgreSQL's version.

        Raises:
            VoidRun, LoadError, ServerError: the measurement is invalid.
        """
        with ExitStack() as stack:
            directory = stack.enter_context(temporary_directory(self.name))
            postgresql = stack.enter_context(database.embedded_server(directory / "postgresql"))
            version = database.require_durability(postgresql)
            report(f"starting the contenders of bench.{self.name}")
            contenders = self.contenders(stack, postgresql, directory, connections)
            warm_up = min(tasks, 25 * connections)
            return play_rounds(
                contenders, rounds=rounds, tasks=tasks, warm_up=warm_up, report=report
            ), version

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(
            prog=f"python -m bench.{self.name}", formatter_class=argparse.ArgumentDefaultsHelpFormatter
        )
        parser.add_argument("--rounds", type=_positive, default=3, help="the number of rounds")
        parser.add_argument(
            f"--{self.unit}",
            type=_positive,
            default=self.tasks,
            dest="tasks",
            help="the number in a round, for each contender",
        )
        parser.add_argument(
            "--connections",
            type=_positive,
            default=self.connections,
            help="connections, and threads of each server",
        )
        return parser


def run(benchmark: Benchmark) -> None:
    """Run a benchmark as a program."""
    # Exit by an exception, so that processes and files are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    configure_logging(level="warning")
    sys.exit(benchmark.main())


def report(line: str) -> None:
    """Print progress to standard error; standard output contains only the results."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def temporary_directory(name: str) -> Iterator[Path]:
    """Create a directory below `DIRECTORY` for the block."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=DIRECTORY))
    directory.chmod(0o755)  # the embedded server's account must be able to enter it
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
