"""Granian with one application, with the same command for every HTTP contender; and other processes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_S = 30.0


class ServerError(RuntimeError):
    """The server does not start; the message ends with its log."""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        port: its port on 127.0.0.1.
        process: its first process, whose session contains the others.
    """

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """The server's URL."""
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float | None:
        """Return the processor time of its processes; None if the system does not provide it."""
        if not Path("/proc/self/stat").exists():
            return None
        ticks = sum(int(fields[11]) + int(fields[12]) for fields in self._processes())
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self) -> int:
        """Return the resident memory of its processes; 0 if the system does not provide it."""
        return sum(int(fields[21]) for fields in self._processes()) * os.sysconf("SC_PAGE_SIZE")

    def _processes(self) -> Iterator[list[str]]:
        """Yield the fields of its processes after the name; see proc(5)."""
        for directory in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # the process has ended
                fields = (directory / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid:
                    yield fields


def serving(
    factory: str,
    *,
    threads: int,
    environment: Mapping[str, str],
    log: Path,
    python: str = sys.executable,
) -> contextlib.AbstractContextManager[Server]:
    """Serve an application with granian, in one process, during the block.

    Args:
        factory: ``module:function`` that builds the WSGI application.
        threads: the number of concurrent requests.
        environment, log: see `running`.
        python: the interpreter of the environment in which the application is installed.

    Raises:
        ServerError: it does not start.
    """
    port = free_port()
    options = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", str(threads), "--no-ws"]
    command = [python, "-m", "granian", *options, "--port", str(port), "--log-level", "warning"]
    return running([*command, "--factory", factory], port=port, environment=environment, log=log)


@contextlib.contextmanager
def running(
    command: Sequence[str], *, port: int, environment: Mapping[str, str], log: Path
) -> Iterator[Server]:
    """Run a server during the block.

    Args:
        command: its command line.
        port: the port that it listens on.
        environment: added to the environment of this process.
        log: the file for its output.

    Raises:
        ServerError: it does not start.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that its children can be counted and stopped
        )
    try:
        _wait_for(port, process, log)
        yield Server(port, process)
    finally:
        _end(process)


def free_port() -> int:
    """Return an unused port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise ServerError(f"The server did not start: {log.read_text(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with contextlib.suppress(ProcessLookupError):  # usually no process is left
        os.killpg(process.pid, signal.SIGKILL)
