"""The processes of the demonstration: started, watched and stopped together."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import requests

from autonomy_core.tenancy.domain import Problem
from demo.endpoints import endpoint_option, remove_endpoints_of_other_ports
from demo.mail_server import MailServer
from demo.places import SHOPS, Places

STOP_WITHIN_S = 25
START_WITHIN_S = 60


class DemoError(Exception):
    """The demonstration cannot continue. The message gives the reason, and where to look."""


class Processes:
    """The mail server, the simulator, the server and the worker of one run.

    Args:
        places: the addresses and files of the run.
        start_within_s: the time in which the processes must become ready, in seconds.

    Attributes:
        mail: the mail server, a thread of this process.
    """

    def __init__(self, places: Places, start_within_s: float = START_WITHIN_S) -> None:
        self._places = places
        self._start_within_s = start_within_s
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._threads = contextlib.ExitStack()
        self.mail = MailServer(port=places.mail_port, directory=places.mail)

    def autonomy(self, *arguments: str) -> str:
        """Run an ``autonomy`` command, and return its output.

        Raises:
            DemoError: the command failed; with its output.
        """
        done = self._run(*arguments)
        if done.returncode != 0:
            raise DemoError(f"autonomy {' '.join(arguments)} failed:\n{done.stderr or done.stdout}")
        return done.stdout

    def problems_of_tenants(self) -> list[Problem]:
        """Return the problems that ``autonomy tenants check`` finds.

        Raises:
            DemoError: the command failed.
        """
        done = self._run("tenants", "check", "--json")
        try:
            found = json.loads(done.stdout)["problems"]
        except ValueError:
            raise DemoError(f"autonomy tenants check failed:\n{done.stderr}") from None
        return [Problem(**each | {"file": Path(each["file"])}) for each in found]

    def start(self, report: Callable[[str], None]) -> None:
        """Start everything, and wait until it is ready."""
        places = self._places
        self._threads.enter_context(self.mail)
        endpoints = [f"--endpoint={endpoint_option(places, shop)}" for shop in SHOPS]
        state = f"--state={places.directory / 'simulator.sqlite'}"
        port = f"--port={places.simulator_port}"
        self._start("simulator", [sys.executable, "-m", "stripe_simulator", port, state, *endpoints])
        self._start("worker", [*_autonomy(places.ini), "worker"])
        self._start("server", [*_autonomy(places.ini), "serve", "--port", str(places.port)])
        report("waiting for the server and the worker")
        self._wait_while(lambda: problem_of_simulator(places))
        remove_endpoints_of_other_ports(places)
        self._wait_while(lambda: problem_of_server(places))

    def stop(self) -> None:
        """Stop all processes, in reverse order of their start."""
        for _, process in reversed(self._running):
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN_S
        for _, process in reversed(self._running):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            # Kill the process's own children, and processes that did not stop.
            _signal_group(process, signal.SIGKILL)
            process.wait()
        self._running.clear()
        self._threads.close()

    def check(self) -> None:
        """Check that all processes are running.

        Raises:
            DemoError: one has stopped.
        """
        for name, process in self._running:
            if process.poll() is not None:
                raise DemoError(f"The {name} has stopped; the end of its log:\n{self._tail(name)}")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*_autonomy(self._places.ini), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def _start(self, name: str, command: list[str]) -> None:
        with self._log(name).open("wb") as log:
            # A separate session: Ctrl-C reaches only the demonstration, which stops the processes in order.
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._running.append((name, process))

    def _wait_while(self, find_problem: Callable[[], str | None]) -> None:
        deadline = time.monotonic() + self._start_within_s
        while problem := find_problem():
            self.check()
            if time.monotonic() > deadline:
                raise DemoError(f"{problem}; see {self._places.directory}/*.log")
            time.sleep(0.1)

    def _log(self, name: str) -> Path:
        return self._places.directory / f"{name}.log"

    def _tail(self, name: str) -> str:
        return "\n".join(self._log(name).read_text("utf-8", "replace").splitlines()[-15:])


def _autonomy(ini: Path) -> list[str]:
    return [str(Path(sys.executable).with_name("autonomy")), "--config", str(ini)]


def problem_of_simulator(places: Places) -> str | None:
    """Return why the simulator cannot be used yet, or None."""
    try:
        requests.get(places.simulator, timeout=5).raise_for_status()
    except requests.RequestException:
        return "The simulator does not answer"
    return None


def problem_of_server(places: Places) -> str | None:
    """Return why the server and the worker cannot be used yet, or None."""
    try:
        checks = requests.get(f"{places.server}/health/ready", timeout=5).json()["checks"]
    except requests.RequestException:
        return "The server does not answer"
    # Ignore problems of other organisations: the sample shops are valid.
    failing = [name for name, check in checks.items() if check["status"] != "ok" and name != "tenants"]
    return f"The server is not ready: {', '.join(failing)}" if failing else None


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
