"""granian around one application, the same command for every contender that speaks HTTP; and other processes."""

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
PATIENCE_S = 30.0


class ServerError(RuntimeError):
    """The server does not start; the message ends with its log."""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        port: on 127.0.0.1.
        process: its first process, whose session contains the others.
    """

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float | None:
        """The processor time that its processes have used; None where the system does not tell."""
        if not Path("/proc/self/stat").exists():
            return None
        ticks = sum(_ticks(directory, self.process.pid) for directory in Path("/proc").glob("[0-9]*"))
        return ticks / os.sysconf("SC_CLK_TCK")


def serving(
    factory: str,
    *,
    threads: int,
    environment: Mapping[str, str],
    log: Path,
    python: str = sys.executable,
) -> contextlib.AbstractContextManager[Server]:
    """Serve an application with granian, in one process, until the end of the block.

    Args:
        factory: ``module:function`` that makes the WSGI application.
        threads: how many requests are handled at once.
        environment, log: see `running`.
        python: the interpreter, and thereby the environment in which the application is installed.

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
    """Run a server until the end of the block.

    Args:
        port: at which it will listen.
        environment: added to ours.
        log: what it writes.

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
            start_new_session=True,  # so that whatever it starts can be counted and ended
        )
    try:
        _wait_for(port, process, log)
        yield Server(port, process)
    finally:
        _end(process)


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
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
    with contextlib.suppress(ProcessLookupError):  # as a rule there is nobody left
        os.killpg(process.pid, signal.SIGKILL)


def _ticks(directory: Path, session: int) -> int:
    """The user and system time of a process of that session, in ticks; see proc(5)."""
    try:
        fields = (directory / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0  # it has ended meanwhile
    return int(fields[11]) + int(fields[12]) if int(fields[3]) == session else 0
