"""Commands of this project in forks of a process that has imported their modules.

Imports are most of the work of a command's start. A fork executes the code of the program. It is a process
with a session, a directory, an environment and streams of its own. There is one difference: all modules are
imported already, which with ``serve --workers`` decides how requests are counted.
`tests/functional/operations/test_processes.py` starts the programs.
"""

from __future__ import annotations

import atexit
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

from tests.support import fork_client

ROOT = Path(__file__).parents[2]
AUTONOMY = "autonomy_core.cli.commands:main"
VARIABLE = "TEST_FORK_SERVER"
"""The environment variable from which forks know their server."""

SIMULATOR = "stripe_simulator.command:simulator"


class Fork:
    """A running command, with the members of `subprocess.Popen` that tests of processes use.

    Args:
        function: `AUTONOMY` or `SIMULATOR`.
        arguments: of the command.
        output: gets what it writes on both streams.
        environment: all of it; by default as this process's.
        directory: the current one; by default this process's.
    """

    def __init__(
        self,
        function: str,
        arguments: Sequence[str | Path],
        output: IO[bytes],
        *,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.returncode: int | None = None
        with Path(os.devnull).open("rb") as nothing:
            self._server = fork_client.request(
                _server(),
                function,
                [function, *map(str, arguments)],
                streams=(nothing.fileno(), output.fileno(), output.fileno()),
                environment={**(os.environ if environment is None else environment), VARIABLE: _server()},
                directory=str(directory or Path.cwd()),
            )
        self._told = self._server.makefile()
        self.pid = int(self._told.readline())

    def poll(self) -> int | None:
        """The exit status if it has ended, negative for a signal."""
        if self.returncode is None and select.select([self._server], [], [], 0)[0]:
            self.returncode = int(self._told.readline())
            self._told.close()
            self._server.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and give the exit status.

        Raises:
            subprocess.TimeoutExpired: it has not ended after so many seconds.
        """
        if self.returncode is None:
            select.select([self._server], [], [], timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def command(function: str = AUTONOMY) -> list[str]:
    """The beginning of a command line for `subprocess.run`, in place of the program; arguments follow."""
    return [sys.executable, "-IS", fork_client.__file__, _server(), function, function]


@cache
def _server() -> str:
    """Start the server, unless this process is a fork; give the path of its socket."""
    if VARIABLE in os.environ:
        return os.environ[VARIABLE]
    directory = tempfile.mkdtemp(prefix="autonomy-forks-")
    path = f"{directory}/socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server", str(listener.fileno())],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )

    def end() -> None:
        server.communicate()
        shutil.rmtree(directory)

    atexit.register(end)
    return path
