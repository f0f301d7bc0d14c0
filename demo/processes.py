"""The processes of the demonstration: started together, watched, and stopped together."""

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
from demo.places import SHOPS, Places

STOP_WITHIN_S = 25
START_WITHIN_S = 60


class DemoError(Exception):
    """The demonstration cannot go on; the message says why, and where to look."""


class Processes:
    """The simulator, the server and the worker of one run.

    Args:
        places: of this run.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def autonomy(self, *arguments: str) -> str:
        """Run an ``autonomy`` command to its end, and return what it prints.

        Raises:
            DemoError: with what it says, when it fails.
        """
        done = self._run(*arguments)
        if done.returncode != 0:
            raise DemoError(f"autonomy {' '.join(arguments)} failed:\n{done.stderr or done.stdout}")
        return done.stdout

    def problems_of_tenants(self) -> list[Problem]:
        """What ``autonomy tenants check`` finds.

        Raises:
            DemoError: it cannot look.
        """
        done = self._run("tenants", "check", "--json")
        try:
            found = json.loads(done.stdout)["problems"]
        except ValueError:
            raise DemoError(f"autonomy tenants check failed:\n{done.stderr}") from None
        return [Problem(**each | {"file": Path(each["file"])}) for each in found]

    def start(self, say: Callable[[str], None]) -> None:
        """Start the simulator, the server and the worker, and wait until they are ready."""
        places = self._places
        endpoints = [f"--endpoint={_endpoint(places, shop)}" for shop in SHOPS]
        state = f"--state={places.directory / 'simulator.sqlite'}"
        port = f"--port={places.simulator_port}"
        self._start("simulator", [sys.executable, "-m", "stripe_simulator", port, state, *endpoints])
        self._start("worker", [*_autonomy(places.ini), "worker"])
        self._start("server", [*_autonomy(places.ini), "serve", "--port", str(places.port)])
        say("waiting for the server and the worker")
        self._wait_while(lambda: amiss_with_simulator(places))
        self._wait_while(lambda: amiss_with_server(places))

    def stop(self) -> None:
        """Stop every process, the last started first; none is left."""
        for _, process in reversed(self._running):
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN_S
        for _, process in reversed(self._running):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            # Whatever it had started itself, and whatever would not stop.
            _signal_group(process, signal.SIGKILL)
            process.wait()
        self._running.clear()

    def check(self) -> None:
        """Make sure that every process still runs.

        Raises:
            DemoError: one has stopped.
        """
        for name, process in self._running:
            if process.poll() is not None:
                raise DemoError(f"The {name} has stopped; its last words:\n{self._tail(name)}")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*_autonomy(self._places.ini), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def _start(self, name: str, command: list[str]) -> None:
        with self._log(name).open("wb") as log:
            # A session of its own: Ctrl-C reaches the demonstration alone, which then stops them in order.
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._running.append((name, process))

    def _wait_while(self, amiss: Callable[[], str | None]) -> None:
        deadline = time.monotonic() + START_WITHIN_S
        while problem := amiss():
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


def _endpoint(places: Places, shop: str) -> str:
    return f"sk_test_{shop},{places.server}/api/webhook/stripe/{shop},whsec_{shop}_sample"


def amiss_with_simulator(places: Places) -> str | None:
    """Why the simulator cannot be used yet, or None."""
    try:
        requests.get(places.simulator, timeout=5).raise_for_status()
    except requests.RequestException:
        return "The simulator does not answer"
    return None


def amiss_with_server(places: Places) -> str | None:
    """Why the server and the worker cannot be used yet, or None."""
    try:
        checks = requests.get(f"{places.server}/health/ready", timeout=5).json()["checks"]
    except requests.RequestException:
        return "The server does not answer"
    # The sample shops are in order; another organisation's problems keep nobody from using them.
    failing = [name for name, check in checks.items() if check["status"] != "ok" and name != "tenants"]
    return f"The server is not ready: {', '.join(failing)}" if failing else None


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
