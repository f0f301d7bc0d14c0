"""Two shops as real processes that can be killed: server, worker, Stripe's simulator, mail and database."""

import os
import random
import signal
import socket
import sys
import time
from contextlib import contextmanager
from dataclasses import replace

import requests

from autonomy_core.cli.commands import main
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.edge.limits import Limits
from tests.faults.reaper import kill_group, reaping
from tests.faults.stock import stock
from tests.support.forks import AUTONOMY, SIMULATOR, Fork

TIMEOUT_S = 120
"""For so long a machine may be busy with other things."""

SHOPS = ("harbour", "nightjar")
PRODUCTS = 3
PRICE = 900
PROCESSES = ("simulator", "mail", "worker", "server")
DATABASE = "database"

SERVER_INI = """\
[app:main]
use = egg:autonomy-server
autonomy.tenants = %(here)s/tenants
autonomy.data = %(here)s/data
autonomy.hosts = 127.0.0.1:{port}
autonomy.log_format = json
autonomy.mail.url = {mail}
autonomy.mail.from = shop@shop.example
stripe_payments.api_base = {simulator}
"""

MAIL = "tests.faults.mail_process:main"
HASTY = "tests.faults.installation:hasty"

SHOP_INI = """\
[organisation]
name = {shop}
currency = eur
plugins = customer_auth, media_mp3, stripe_payments

[customer_auth]
access_token_minutes = 60
registrations_per_address = 100000

[stripe_payments]
environment = test
test_secret_key = sk_test_{shop}
test_public_key = pk_test_{shop}
test_webhook_secret = whsec_{shop}
"""


def wait_for(found, what):
    deadline = time.monotonic() + TIMEOUT_S
    while not (result := found()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
    return result


def wait_until_none(count, what):
    """Wait until there are none any more, as long as their number changes now and then."""
    changed, before = time.monotonic(), None
    while left := count():
        if left != before:
            changed, before = time.monotonic(), left
        assert time.monotonic() < changed + TIMEOUT_S, f"waited in vain for {what}: {left} left"
        time.sleep(0.1)


def quiet_port():
    """A free port outside the ephemeral range: no other process takes it while its owner is dead."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port := random.randrange(15_000, 30_000)))
            except OSError:
                continue
            return port


def hasty():
    """`autonomy`, whose server gives requests less time than an ini file may: the first argument."""
    usual, answer_s = Limits.of, float(sys.argv.pop(1))
    Limits.of = lambda settings: replace(usual(settings), answer_s=answer_s)
    main()


class Installation:
    """A directory with an ini file and two shops, its processes, and the embedded database.

    Args:
        directory: a new one.
        reaper: ends the processes.
        simulator_options: of the simulator.
        fast: the database is not durable, so a test may not kill it.
    """

    def __init__(self, directory, reaper, *simulator_options, fast):
        self.directory = directory
        self.database = EmbeddedServer(data_dir=directory / "data" / "postgresql", fast=fast)
        self.ledger = directory / "simulator.sqlite"
        self._reaper = reaper
        self.mailbox = directory / "mailbox.txt"
        port, simulator_port, mail_port = quiet_port(), quiet_port(), quiet_port()
        self.server, self.simulator = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{simulator_port}"
        (directory / "tenants").mkdir(parents=True)
        mail = f"smtp://localhost:{mail_port}?tls=none"
        ini = directory / "server.ini"
        ini.write_text(SERVER_INI.format(port=port, simulator=self.simulator, mail=mail))
        for shop in SHOPS:
            (directory / "tenants" / f"{shop}.ini").write_text(SHOP_INI.format(shop=shop))
        hooks = [f"sk_test_{shop},{self.server}/api/webhook/stripe/{shop},whsec_{shop}" for shop in SHOPS]
        self._commands = {
            "simulator": (
                SIMULATOR,
                *(f"--port={simulator_port}", f"--state={self.ledger}", "--first-retry=0.05"),
                *(f"--endpoint={hook}" for hook in hooks),
                *simulator_options,
            ),
            "mail": (MAIL, str(mail_port), str(self.mailbox)),
            "worker": (AUTONOMY, f"--config={ini}", "worker"),
            "server": (AUTONOMY, f"--config={ini}", "serve", "--port", str(port)),
        }
        self._running = {}

    def api(self, shop):
        return f"{self.server}/{shop}/api/v1"

    def set_up(self):
        """Stock both shops and start everything; gives each shop's staff key and its products' ids."""
        self.database.ensure_running()
        stocked = stock(self.database, self.directory / "server.ini", SHOPS, PRODUCTS, PRICE)
        for name in PROCESSES:
            self.start(name)
        self.wait_until_ready()
        return stocked

    def start(self, name):
        function, *arguments = self._commands[name]
        with (self.directory / f"{name}.log").open("ab") as log:
            process = Fork(function, arguments, log)
        self._reaper.add(process.pid)
        self._running[name] = process

    def serve_hastily(self, answer_s):
        """Start the server anew, with so many seconds for an answer."""
        self.stop("server")
        _, *arguments = self._commands["server"]
        self._commands["server"] = (HASTY, str(answer_s), *arguments)
        self.start("server")
        self.wait_until_ready()

    def runs(self, name):
        return name in self._running and self._running[name].poll() is None

    def kill(self, name):
        """Kill -9: a process with all that it has started itself, or the database's main process."""
        if name == DATABASE:
            self._kill_database()
        elif name in self._running:
            self._end(name)

    def stop(self, name):
        """End a process as an admin would."""
        if self.runs(name):
            self._running[name].terminate()
            self._running[name].wait(TIMEOUT_S)
        self._end(name)

    def kill_everything(self):
        for name in list(self._running):
            self._end(name)

    def _end(self, name):
        process = self._running.pop(name)
        kill_group(process.pid)
        process.wait()
        self._reaper.forget(process.pid)

    def _kill_database(self):
        try:
            pid = int((self.database.directory / "pgdata" / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
        except (FileNotFoundError, IndexError, ProcessLookupError):
            pass  # it is dead, or starting

    def keep_running(self):
        """Start again what has died, as a service manager does; gives whether anything had."""
        dead = [name for name in PROCESSES if not self.runs(name)]
        was_running = self.database.is_running()
        self.database.ensure_running()
        for name in dead:
            self.kill(name)  # what it may have left running
            self.start(name)
        return bool(dead) or not was_running

    def wait_until_ready(self):
        wait_for(self._is_ready, "the server and the worker")

    def _is_ready(self):
        self.keep_running()
        try:
            requests.get(self.simulator, timeout=5).raise_for_status()
            checks = requests.get(f"{self.server}/health/ready", timeout=5).json()["checks"]
        except (requests.RequestException, KeyError):
            return False
        return all(check["status"] == "ok" for check in checks.values())


@contextmanager
def installed(directory, *simulator_options, fast=False):
    """An installation that leaves no process and no database behind. `Installation` has the arguments."""
    with reaping(EmbeddedServer(data_dir=directory / "data" / "postgresql")) as reaper:
        installation = Installation(directory, reaper, *simulator_options, fast=fast)
        try:
            yield installation
        finally:
            installation.kill_everything()
