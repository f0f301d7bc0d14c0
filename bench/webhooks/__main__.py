"""Run the benchmark: ``python -m bench.webhooks --help``."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench.webhooks import by_hand, database, ours, pgbench
from bench.webhooks.load import LoadError
from bench.webhooks.report import table
from bench.webhooks.rounds import Timings, play_rounds
from bench.webhooks.server import ROOT, ServerError

CONTENDERS = (
    ours.contender,
    by_hand.contender,
    pgbench.contender,
    partial(pgbench.contender, name=pgbench.SIX),
)
DIRECTORY = ROOT / "var" / "bench"
BASELINES = (by_hand.NAME, pgbench.NAME)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; the exit status is 1 if anything was not settled exactly once."""
    options = _parser().parse_args(arguments)
    events = -(-options.events // options.connections) * options.connections
    try:
        timings, version = measure(events, options.rounds, options.connections, _tell)
    except (LoadError, ServerError, database.VoidRun) as error:
        print(f"The run is void: {error}", file=sys.stderr)
        return 1
    print(f"\n{options.rounds} rounds of {events} events, {options.connections} connections and threads;")
    print(f"PostgreSQL {version}, fsync and synchronous_commit on; {os.cpu_count()} processor cores.")
    print(f"Median (least-greatest); ratios by round.\n\n{table(timings, BASELINES)}")
    return 0


def measure(events: int, rounds: int, connections: int, tell: Callable[[str], None]) -> tuple[Timings, str]:
    """Start everything, measure, and remove everything; gives the timings and PostgreSQL's version.

    Args:
        events: in a round, for each contender; a multiple of ``connections``.
        tell: told what happens.

    Raises:
        VoidRun, LoadError, ServerError: what was measured does not count.
    """
    with ExitStack() as stack:
        directory = stack.enter_context(_directory())
        postgresql = stack.enter_context(database.embedded_server(directory / "postgresql"))
        version = database.require_durability(postgresql)
        tell("starting the contenders")
        contenders = [
            stack.enter_context(contender(postgresql, directory, connections)) for contender in CONTENDERS
        ]
        warm_up = min(events, 25 * connections)
        return play_rounds(contenders, rounds=rounds, events=events, warm_up=warm_up, tell=tell), version


@contextmanager
def _directory() -> Iterator[Path]:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="webhooks-", dir=DIRECTORY))
    directory.chmod(0o755)  # the embedded server's account has to pass through
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.webhooks", description=__doc__)
    parser.add_argument("--rounds", type=_positive, default=3)
    parser.add_argument("--events", type=_positive, default=500, help="in a round, for each contender")
    parser.add_argument("--connections", type=_positive, default=8, help="and threads of each server")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    # As an exception, so that processes and files are removed on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    sys.exit(main())
