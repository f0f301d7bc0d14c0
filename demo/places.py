"""Where the demonstration's things are."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parent.parent

DIRECTORY = ROOT / "var" / "demo"
"""What the demonstration keeps between runs: the database, the simulator's books, the recordings."""

SHOPS = ("harbour", "nightjar")
"""The sample organisations: the one that ``/api/v1`` is about on localhost, and its neighbour."""

SERVER_INI = """\
# Written by `make demo`; see development.ini for what each line means.
[app:main]
use = egg:autonomy-server
autonomy.tenants = {root}/tenants
autonomy.data = {data}
autonomy.default_organisation = {default}
stripe_payments.api_base = {simulator}
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Addresses and files of one run.

    Attributes:
        directory: everything the demonstration keeps between runs.
    """

    port: int
    simulator_port: int
    directory: Path

    @property
    def ini(self) -> Path:
        """The server's ini file."""
        return self.directory / "server.ini"

    @property
    def server(self) -> str:
        """The server's address."""
        return f"http://localhost:{self.port}"

    @property
    def simulator(self) -> str:
        """The Stripe simulator's address."""
        return f"http://127.0.0.1:{self.simulator_port}"

    @property
    def database(self) -> EmbeddedServer:
        """The embedded database server."""
        return EmbeddedServer(data_dir=self.directory / "data" / "postgresql")

    def api(self, shop: str) -> str:
        """The address of a shop's API: the default shop's without its name, as on its own host."""
        return f"{self.server}/api/v1" if shop == SHOPS[0] else f"{self.server}/{shop}/api/v1"

    def write_ini(self) -> None:
        """Write the server's ini file for this run's ports."""
        text = SERVER_INI.format(
            root=ROOT, data=self.directory / "data", default=SHOPS[0], simulator=self.simulator
        )
        write_whole(self.ini, text.encode())


def find_places(port: int, directory: Path = DIRECTORY) -> Places:
    """Where this run's things are.

    Args:
        port: the server's.
        directory: what is kept between runs.

    Raises:
        OSError: the port is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
    return Places(port, free_port(), directory)


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file that later runs rely on: whoever is interrupted leaves all of it or nothing.

    Args:
        mode: who may read it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode)
    unfinished.write_bytes(content)
    unfinished.replace(path)


def keep_private(directory: Path) -> None:
    """Let nobody else read the sample shops' files: there are keys in them, and a clone lets everybody read."""
    for shop in SHOPS:
        (directory / f"{shop}.ini").chmod(0o600)


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number
