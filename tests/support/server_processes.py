"""Processes of a server: forks, each with a process group and a log of its own; the block ends them all."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.forks import AUTONOMY, Fork, command

TIMEOUT_S = 120
"""Seconds to wait on a busy machine before a test gives up."""


def wait_for(found: Callable[[], Any], what: str) -> Any:
    """Wait until `found` returns a true value, and return it."""
    deadline = time.monotonic() + TIMEOUT_S
    while not (result := found()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)
    return result


class Processes:
    """The running processes, by the names under which they were started.

    Args:
        ini: of the server.
        environment: variables besides this process's own.
    """

    def __init__(self, ini: Path, environment: dict[str, str]) -> None:
        self._ini = ini
        self._environment = environment
        self._running: dict[str, Fork] = {}

    def start(self, name: str, *arguments: str) -> None:
        """Run ``autonomy ARGUMENTS``."""
        with self.log(name).open("ab") as log:
            self._running[name] = Fork(
                AUTONOMY,
                ["--config", self._ini, *arguments],
                log,
                environment={**os.environ, **self._environment},
            )

    def run(self, *arguments: str) -> str:
        """Run ``autonomy ARGUMENTS`` to its end, and require status 0; gives what it printed."""
        done = subprocess.run(
            [*command(), "--config", self._ini, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            env={**os.environ, **self._environment},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self, name: str) -> None:
        """Stop a process as a service manager does, and require status 0."""
        process = self._running.pop(name)
        process.terminate()
        assert process.wait(TIMEOUT_S) == 0, self.told_by(name)

    def log(self, name: str) -> Path:
        """The log file of all processes that were started under a name."""
        return self._ini.with_name(f"{name}.log")

    def told_by(self, name: str) -> str:
        """The content of the log of a name."""
        return self.log(name).read_text() if self.log(name).exists() else ""

    def kill(self) -> None:
        """Kill the running processes and their children."""
        for name in list(self._running):
            self.kill_one(name)

    def kill_one(self, name: str) -> None:
        """Kill a process and its children."""
        process = self._running.pop(name)  # its number may soon be that of another process
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def processes(ini: Path, **environment: str) -> Iterator[Processes]:
    """Processes of a server that are killed when the block ends."""
    made = Processes(ini, environment)
    try:
        yield made
    finally:
        made.kill()
