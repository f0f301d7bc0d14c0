"""``python -m demo``: set up, tell the story, keep serving."""

from __future__ import annotations

import fcntl
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

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
@click.option("--port", default=6543, show_default=True, type=click.IntRange(1, HIGHEST_PORT))
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    default=DIRECTORY,
    help="Where data are kept between runs.",
)
@click.option("--check", is_flag=True, help="Stop after the transcript; the exit status tells.")
def main(port: int, directory: Path, *, check: bool) -> None:
    """Show the main job, end to end."""
    console = Console(highlight=False)
    # `kill` and closing the terminal end the demonstration as Ctrl-C does: with its processes.
    for number in ENDINGS:
        signal.signal(number, signal.default_int_handler)
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
    """Keep other demonstrations out: they would share a database, and the first to end would stop it.

    Raises:
        DemoError: one is there already.
        OSError: the directory cannot be made or written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    # The system unlocks the file of a process that was killed.
    with (directory / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"Another demonstration is running in {directory}; end that one first.") from None
        yield


def run(places: Places, console: Console, *, check: bool) -> None:
    """Start everything, tell the story, and stop everything.

    Args:
        check: do not keep serving after the story.

    Raises:
        DemoError: a step did not hold.
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
        story.tell()
        console.print("\n[bold green]Every step held.[/bold green]")
        if not check:
            console.print(how_to_go_on(places, products, story.customer), markup=False, soft_wrap=True)
            keep_serving(processes)
    finally:
        # Whoever ends it once more waits for this end.
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        processes.stop()
        database.stop()


def check_tenants(processes: Processes, console: Console) -> None:
    """Make sure that the sample shops are in order; what is wrong with others is shown.

    Raises:
        DemoError: with the problems of a sample shop.
    """
    problems = processes.problems_of_tenants()
    # A problem may also be with the directory itself.
    grave = [
        str(problem) for problem in problems if problem.file.suffix != ".ini" or problem.file.stem in SHOPS
    ]
    if grave:
        raise DemoError("\n".join(["A sample shop has problems; mend them first:", *grave]))
    for problem in problems:
        console.print(f"[yellow]not served:[/yellow] {escape(str(problem))}", soft_wrap=True)


def set_up_shops(places: Places, processes: Processes, console: Console) -> dict[str, str]:
    """Make both shops' music and products; gives the product's id of each."""
    columns = (TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        return {
            release.shop: stock(places, release, staff_key(places, processes, release.shop), progress)
            for release in RELEASES
        }


def how_to_go_on(places: Places, products: dict[str, str], customer: Customer) -> str:
    """What to look at, and what to type."""
    api = places.api(SHOPS[0])
    return f"""
Still serving, until Ctrl-C:
  API description   {api}/docs  (and {places.api(SHOPS[1])}/docs)
  Stripe simulator  {places.simulator}
  health, metrics   {places.server}/health/ready  {places.server}/metrics
  a customer        {customer.email}, password: {PASSWORD}  (registered in both shops)
  staff keys        {places.directory}/staff-key-*.json

  curl {api}/products
  TOKEN=$(curl -s {api}/customers/login -H 'Content-Type: application/json' \\
    -d '{{"email": "{customer.email}", "password": "{PASSWORD}"}}' | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
  curl -H "Authorization: Bearer $TOKEN" {api}/customers/products/{products[SHOPS[0]]}/tracks
"""


def keep_serving(processes: Processes) -> None:
    """Watch the processes until Ctrl-C."""
    while True:
        processes.check()
        time.sleep(1)


if __name__ == "__main__":
    main()
