"""The processes of the demonstration, for the examples: PostgreSQL, simulator, server and worker."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from demo.places import ROOT, SHOPS, Places, find_places, free_port, keep_private
from demo.shop import RELEASES, staff_key, stock
from tests.docs.shell import Result, Shell
from tests.support.forked_demonstration import ForkedProcesses
from tests.support.forks import command

PORT_IN_DOCUMENTS = "localhost:6543"


@dataclass(frozen=True, slots=True)
class Stack:
    """A running server with both sample shops.

    Attributes:
        places, processes: as the demonstration has them.
        products: the product's id of each shop.
        clone: looks like the directory in which a reader has run ``make demo``.
    """

    places: Places
    processes: ForkedProcesses
    products: dict[str, str]
    clone: Path

    @property
    def address(self) -> str:
        """The port that replaces `PORT_IN_DOCUMENTS`."""
        return f"localhost:{self.places.port}"

    @contextmanager
    def shell(self) -> Iterator[Shell]:
        """A shell as a reader would open it. Its ``autonomy`` is a fork."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        shell = Shell(self.clone, {"PATH": path, "HOME": str(self.clone), "LANG": "C.UTF-8"})
        try:
            shell.run(f'autonomy() {{ {shlex.join(command())} "$@"; }}')
            yield shell
        finally:
            shell.close()

    def run(self, shell: Shell, text: str) -> Result:
        """Run a command of a document, as if the server were where the documents say."""
        result = shell.run(text.replace(PORT_IN_DOCUMENTS, self.address))
        return Result(result.output.replace(self.address, PORT_IN_DOCUMENTS), result.status)


@contextmanager
def running_stack() -> Iterator[Stack]:
    """Start everything; stop everything at the end and leave nothing."""
    # Not pytest's private directory: as root, PostgreSQL runs under another account.
    with tempfile.TemporaryDirectory(prefix="autonomy-docs-") as name:
        clone = Path(name)
        clone.chmod(0o755)
        places = find_places(free_port(), clone / "var" / "demo")
        _like_a_clone(clone, places)
        processes = ForkedProcesses(places)
        database = replace(places.database, fast=True)
        try:
            database.ensure_running()
            processes.autonomy("migrate")
            processes.start(lambda _: None)
            yield Stack(places, processes, _stocked(places, processes), clone)
        finally:
            processes.stop()
            database.stop()


def _like_a_clone(clone: Path, places: Places) -> None:
    shutil.copytree(ROOT / "tenants", clone / "tenants")
    # The readers of all pages have one address, and register within an hour.
    for file in (clone / "tenants").glob("*.ini"):
        file.write_text(
            f"{file.read_text('utf-8')}\n[customer_auth]\nregistrations_per_address = 1000\n", "utf-8"
        )
    keep_private(clone / "tenants")
    (clone / ".venv").symlink_to(sys.prefix)
    places.write_ini()
    ini = places.ini.read_text("utf-8")
    # The examples change files there.
    places.ini.write_text(ini.replace(str(ROOT / "tenants"), str(clone / "tenants")), "utf-8")


def _stocked(places: Places, processes: ForkedProcesses) -> dict[str, str]:
    with Progress(console=Console(quiet=True)) as progress:
        products = {
            release.shop: stock(places, release, staff_key(places, processes, release.shop), progress)
            for release in RELEASES
        }
    assert set(products) == set(SHOPS)
    return products
