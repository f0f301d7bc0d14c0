"""The demonstration's files and addresses."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parent.parent

DIRECTORY = ROOT / "var" / "demo"
"""The directory for data between runs: the database, the simulator's ledger, the recordings."""

SHOPS = ("harbour", "nightjar")
"""The sample organisations: the default organisation on localhost, and a second one."""

SERVER_INI = """\
# Written by `make demo`; see development.ini for what each line means.
[app:main]
use = egg:autonomy-server
autonomy.tenants = {root}/tenants
autonomy.data = {data}
autonomy.default_organisation = {default}
autonomy.local_port = {port}
autonomy.mail.url = {mail}
autonomy.mail.from = shops@mail.example
stripe_payments.api_base = {simulator}

[pshell]
setup = autonomy_core.cli.shell.setup
"""


@dataclass(frozen=True, slots=True)
class Places:
    """The addresses and files of one run.

    Attributes:
        port: the server's port.
        simulator_port: the simulator's port.
        mail_port: the mail server's port.
        directory: the directory for data between runs.
    """

    port: int
    simulator_port: int
    mail_port: int
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
    def mail(self) -> Path:
        """The directory of the mail that has arrived, one ``.eml`` file each."""
        return self.directory / "mail"

    @property
    def database(self) -> EmbeddedServer:
        """The embedded database server."""
        return EmbeddedServer(data_dir=self.directory / "data" / "postgresql")

    def api(self, shop: str) -> str:
        """Return the address of a shop's API.

        The path of the default shop contains no name, as on its own host.
        """
        return f"{self.server}/api/v1" if shop == SHOPS[0] else f"{self.server}/{shop}/api/v1"

    def write_ini(self) -> None:
        """Write the server's ini file for this run's ports."""
        text = SERVER_INI.format(
            root=ROOT,
            data=self.directory / "data",
            default=SHOPS[0],
            port=self.port,
            mail=f"smtp://localhost:{self.mail_port}?tls=none",
            simulator=self.simulator,
        )
        write_whole(self.ini, text.encode())


def find_places(port: int, directory: Path = DIRECTORY) -> Places:
    """Choose the addresses and files of this run.

    Args:
        port: the server's port.
        directory: the directory for data between runs.

    Raises:
        OSError: the port is in use.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
    return Places(port, free_port(), free_port(), directory)


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file atomically, because later runs rely on it.

    Args:
        path: the file.
        content: its content.
        mode: its mode.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode)
    unfinished.write_bytes(content)
    unfinished.replace(path)


def keep_private(directory: Path) -> None:
    """Make the sample shops' files readable to the owner only, because they contain keys."""
    for shop in SHOPS:
        (directory / f"{shop}.ini").chmod(0o600)


def free_port() -> int:
    """Return a port that is currently free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number
