"""``python -m demo``: set up, run the story, keep serving."""

from __future__ import annotations

import fcntl
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from autonomy_core.cli.parameters import NumberType
from autonomy_core.db.embedded import EmbeddedServerError
from demo.client import Narrator
from demo.customer import PASSWORD, Customer
from demo.places import DIRECTORY, ROOT, SHOPS, Places, find_places, keep_private
from demo.processes import DemoError, Processes
from demo.shop import RELEASES, staff_key, stock
from demo.story import Story

HIGHEST_PORT = 65535
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command()
@click.option("--port", default=6543, show_default=True, type=NumberType(1, HIGHEST_PORT))
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    default=DIRECTORY,
    help="The directory for data between runs.",
)
@click.option("--check", is_flag=True, help="Stop after the transcript; the exit status shows the result.")
def main(port: int, directory: Path, *, check: bool) -> None:
    """Demonstrate a purchase, end to end."""
    console = Console(highlight=False)
    # `kill` and closing the terminal stop the demonstration and its processes, as Ctrl-C does.
    for number in ENDINGS:
        signal.signal(number, interrupt_once)
    try:
        places = find_places(port, directory)
    except OSError as error:
        console.print(
            f"Port {port} cannot be used ({error.strerror}). Choose another: make demo PORT={port + 1}"
        )
        sys.exit(2)
    try:
        with alone_in(directory):
            run(places, console, check=check)
    except (DemoError, EmbeddedServerError, OSError) as error:
        console.print(
            f"\n[bold red]The demonstration failed.[/bold red] {escape(str(error))}", soft_wrap=True
        )
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("\nStopped.")
        sys.exit(130 if check else 0)


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Lock the directory: two demonstrations would share a database, and the first to end would stop it.

    Raises:
        DemoError: another demonstration uses the directory.
        OSError: the directory cannot be created or written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    # The operating system releases the lock of a killed process.
    with (directory / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"Another demonstration is running in {directory}; end that one first.") from None
        yield


def run(places: Places, console: Console, *, check: bool) -> None:
    """Start everything, run the story, and stop everything.

    Args:
        places: the addresses and files of this run.
        console: the output.
        check: stop after the story.

    Raises:
        DemoError: a step failed.
    """
    places.write_ini()
    keep_private(ROOT / "tenants")
    database = places.database
    processes = Processes(places)
    check_tenants(processes, console)
    try:
        with console.status("starting PostgreSQL") as status:
            database.ensure_running()
            status.update("migrating")
            processes.autonomy("migrate")
            processes.start(status.update)
        products = set_up_shops(places, processes, console)
        story = Story(places, processes, Narrator(console), products)
        story.run()
        console.print("\n[bold green]Every step held.[/bold green]")
        if not check:
            console.print(next_steps(places, products, story.customer), markup=False, soft_wrap=True)
            keep_serving(processes)
    finally:
        # A first signal may arrive right here, and must not leave processes behind.
        try:
            ignore_signals()
        finally:
            processes.stop()
            database.stop()


def interrupt_once(number: int, frame: FrameType | None) -> None:
    """Handle a signal: stop everything. Further signals do not interrupt that."""
    ignore_signals()
    raise KeyboardInterrupt


def ignore_signals() -> None:
    """Ignore further signals while the processes stop."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)


def check_tenants(processes: Processes, console: Console) -> None:
    """Check that the sample shops are valid; print the problems of other organisations.

    Raises:
        DemoError: a sample shop has problems.
    """
    problems = processes.problems_of_tenants()
    # The directory itself may have a problem too.
    grave = [
        str(problem) for problem in problems if problem.file.suffix != ".ini" or problem.file.stem in SHOPS
    ]
    if grave:
        raise DemoError("\n".join(["A sample shop has problems; correct them first:", *grave]))
    for problem in problems:
        console.print(f"[yellow]not served:[/yellow] {escape(str(problem))}", soft_wrap=True)


def set_up_shops(places: Places, processes: Processes, console: Console) -> dict[str, str]:
    """Create both shops' music and products; return each shop's product id."""
    columns = (TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        return {
            release.shop: stock(places, release, staff_key(places, processes, release.shop), progress)
            for release in RELEASES
        }


def next_steps(places: Places, products: dict[str, str], customer: Customer) -> str:
    """Return the addresses and commands to continue with."""
    api = places.api(SHOPS[0])
    return f"""
Still serving, until Ctrl-C:
  API description   {api}/docs  (and {places.api(SHOPS[1])}/docs)
  Stripe simulator  {places.simulator}
  health, metrics   {places.server}/health/ready  {places.server}/metrics
  a customer        {customer.email}, password: {PASSWORD}  (registered in both shops)
  staff keys        {places.directory}/staff-key-*.json
  mail              {places.mail}/*.eml  (what the mail server has got, also from now on)

  curl {api}/products
  TOKEN=$(curl -s {api}/customers/login -H 'Content-Type: application/json' \\
    -d '{{"email": "{customer.email}", "password": "{PASSWORD}"}}' \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
  curl -H "Authorization: Bearer $TOKEN" {api}/customers/products/{products[SHOPS[0]]}/tracks
"""


def keep_serving(processes: Processes) -> None:
    """Watch the processes until Ctrl-C."""
    while True:
        processes.check()
        time.sleep(1)


if __name__ == "__main__":
    main()
