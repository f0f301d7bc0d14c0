"""The processes of a server, each in a group of its own with a log, and none left after the block."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("autonomy")
PATIENCE_S = 120
"""For so long a machine may be busy with other things."""


def wait_for(found: Callable[[], Any], what: str) -> Any:
    """What `found` gives as soon as it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (result := found()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)
    return result


class Processes:
    """What runs, by the names that it was started under.

    Args:
        ini: of the server.
        environment: variables besides this process's own.
    """

    def __init__(self, ini: Path, environment: dict[str, str]) -> None:
        self._ini = ini
        self._environment = environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str) -> None:
        """Run ``autonomy COMMAND``."""
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                [PROGRAM, "--config", self._ini, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **self._environment},
            )

    def stop(self, name: str) -> None:
        """End it as a service manager does."""
        process = self._running.pop(name)
        process.terminate()
        assert process.wait(PATIENCE_S) == 0, self.told_by(name)

    def log(self, name: str) -> Path:
        """Where it writes, whenever it was started."""
        return self._ini.with_name(f"{name}.log")

    def told_by(self, name: str) -> str:
        """What it has written."""
        return self.log(name).read_text() if self.log(name).exists() else ""

    def kill(self) -> None:
        """Kill what still runs, with all that it has started."""
        for process in self._running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def processes(ini: Path, **environment: str) -> Iterator[Processes]:
    """For processes that are to be gone after the block."""
    made = Processes(ini, environment)
    try:
        yield made
    finally:
        made.kill()
