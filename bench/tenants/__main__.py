"""Run the benchmark:

``python -m bench.tenants --help``. It needs Linux, whose /proc shows a process's memory.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.migrations import migrate
from autonomy_core.kernel.manager import Plugins
from autonomy_core.runtime import APPLICATION_ROLE, components
from bench.tenants.measuring import (
    IDLE_S,
    Figures,
    measure_service,
    measure_starts,
    measure_worker_later,
)
from bench.tenants.processes import NotServed
from bench.tenants.report import table
from bench.tenants.shops import Shops, make_shops

DIRECTORY = Path(__file__).resolve().parents[2] / "var" / "bench"
COUNTS = (1, 100, 10_000)

SETTLE_FILES_S = 5
"""The minimum age of the files at the measurement, because files of a real installation are rarely new."""


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. The exit status is 1 if a process fails."""
    options = _parser().parse_args(arguments)
    try:
        rounds = measure(
            sorted(options.counts),
            options.rounds,
            options.later,
            _report,
            idle_s=options.idle,
            settle_s=options.settle,
        )
    except NotServed as error:
        print(f"The run is void: {error}", file=sys.stderr)
        return 1
    print(f"\n{options.rounds} rounds; {os.cpu_count()} processor cores. Median (least-greatest).\n")
    print(table(rounds))
    return 0


def measure(
    counts: Sequence[int],
    rounds: int,
    later_s: float,
    report: Callable[[str], None],
    *,
    idle_s: float = IDLE_S,
    settle_s: float = SETTLE_FILES_S,
) -> dict[int, list[Figures]]:
    """Start everything, measure, and clean up; return the figures of each round by number of organisations.

    Args:
        counts: the numbers of organisations; each is measured in every round.
        rounds: the number of rounds.
        later_s: after how many seconds the worker's memory is measured again; 0 skips this.
        report: called with progress.
        idle_s: the time without requests in which the server's processor time is measured.
        settle_s: the age of the files at the first measurement, in seconds.

    Raises:
        NotServed: the measurement is invalid.
    """
    figures: dict[int, list[Figures]] = {count: [] for count in counts}
    with _directory() as directory, _server(directory / "postgresql") as postgresql:
        report("writing the organisations' files")
        installed = [
            make_shops(directory / str(count), count, _database(postgresql, f"tenants_{count}"))
            for count in counts
        ]
        time.sleep(settle_s)
        for number in range(rounds):
            for shops in installed:
                measured = measure_starts(shops)
                if number == 0:
                    measured |= _once(shops, max(counts), later_s, idle_s)
                figures[shops.count].append(measured)
                said = ", ".join(f"{name} {value:.2f}" for name, value in measured.items())
                report(f"round {number + 1} of {rounds}: {shops.count} organisations: {said}")
    return figures


def _once(shops: Shops, requests: int, later_s: float, idle_s: float) -> Figures:
    measured = measure_service(shops, requests, idle_s)
    return measured | (measure_worker_later(shops, later_s) if later_s else {})


@contextmanager
def _directory() -> Iterator[Path]:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="tenants-", dir=DIRECTORY))
    directory.chmod(0o755)  # the embedded server's account must be able to enter it
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@contextmanager
def _server(directory: Path) -> Iterator[EmbeddedServer]:
    postgresql = EmbeddedServer(data_dir=directory)
    try:
        postgresql.ensure_running()
        yield postgresql
    finally:
        postgresql.remove()


def _database(postgresql: EmbeddedServer, name: str) -> str:
    """Create a migrated database; return its URL for the application's role."""
    postgresql.create_database(name)
    installed = components(Plugins.from_entry_points())
    migrate(postgresql.url(name), installed, application_role=APPLICATION_ROLE)
    return postgresql.url(name, APPLICATION_ROLE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.tenants", description=__doc__)
    parser.add_argument(
        "--counts", type=_positive, nargs="+", default=COUNTS, help="numbers of organisations"
    )
    parser.add_argument("--rounds", type=_positive, default=5, help="the number of rounds of starts")
    parser.add_argument(
        "--later", type=float, default=90.0, help="seconds after which the worker is measured again"
    )
    parser.add_argument("--idle", type=float, default=IDLE_S, help="seconds without requests")
    parser.add_argument(
        "--settle", type=float, default=SETTLE_FILES_S, help="the age of the files when it begins, in seconds"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    # Exit by an exception, so that processes and files are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    sys.exit(main())
