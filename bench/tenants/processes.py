"""The processes ``autonomy serve`` and ``autonomy worker``, and their figures from the system."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.tenants.shops import Shops

TIMEOUT_S = 120.0
PRODUCTS = "/api/v1/products"
MIB = 1024 * 1024


class NotServed(RuntimeError):
    """A process does not do what is measured; the message ends with its log."""


@dataclass(frozen=True)
class Started:
    """A process that is ready.

    Attributes:
        pid: the id of the working process: the server's worker process, not its supervisor.
        seconds: from the start until it was ready.
        cpu_at_start: the processor time until then, including the supervisor.
        port: the server's port on 127.0.0.1.
    """

    pid: int
    seconds: float
    cpu_at_start: float
    port: int = 0

    def memory(self) -> float:
        """Return the memory that only this process uses because it has written to it, in MiB.

        Memory that was only read, such as code of libraries, depends on other activity of the machine.
        """
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        written = (line.split()[1] for line in lines if line.startswith(("Private_Dirty:", "Swap:")))
        return sum(map(int, written)) * 1024 / MIB

    def cpu_seconds(self) -> float:
        """Return the processor time so far."""
        return _cpu_seconds(self.pid)

    def ask(self, hosts: Iterable[str]) -> list[int]:
        """Request the products of the organisations of some hosts, one by one; return the statuses."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            return [_status(connection, host) for host in hosts]


@contextlib.contextmanager
def server(shops: Shops, host: str) -> Iterator[Started]:
    """Serve with one worker process during the block.

    Args:
        shops: the installation.
        host: a host of the organisation whose first response is awaited.

    Raises:
        NotServed: there is no response.
    """
    port = _free_port()
    command = ["serve", "--port", str(port), "--workers", "1", "--threads", "8"]

    def answers() -> bool:
        try:
            return Started(0, 0, 0, port).ask([host]) == [200]
        except OSError:
            return False

    with _running(shops, command) as (process, log):
        seconds = _until(answers, process, log)
        child = _working_child(process.pid)
        yield Started(child, seconds, _cpu_seconds(process.pid) + _cpu_seconds(child), port)


@contextlib.contextmanager
def worker(shops: Shops) -> Iterator[Started]:
    """Run the worker during the block."""
    with _running(shops, ["worker"]) as (process, log):
        seconds = _until(lambda: b"worker.started" in log.read_bytes(), process, log)
        yield Started(process.pid, seconds, _cpu_seconds(process.pid))


def until(happened: Callable[[], bool], what: str) -> float:
    """Wait for a condition; return the elapsed seconds."""
    begun = time.perf_counter()
    while not happened():
        if time.perf_counter() - begun > TIMEOUT_S:
            raise NotServed(f"timed out waiting for {what}")
        time.sleep(0.01)
    return time.perf_counter() - begun


@contextlib.contextmanager
def _running(shops: Shops, arguments: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    log = shops.directory / f"{arguments[0]}.log"
    program = Path(sys.executable).parent / "autonomy"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "--config", str(shops.config), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process, log
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> float:
    def ready_or_ended() -> bool:
        if process.poll() is not None:
            raise NotServed(f"It has ended: {_end_of(log)}")
        return ready()

    try:
        return until(ready_or_ended, "a process to be ready")
    except NotServed as error:
        raise NotServed(f"{error}: {_end_of(log)}") from None


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def _status(connection: http.client.HTTPConnection, host: str) -> int:
    connection.request("GET", PRODUCTS, headers={"Host": host})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _working_child(parent: int) -> int:
    """Return the child with the most processor time; the others only supervise it."""
    pids = [int(directory.name) for directory in Path("/proc").glob("[0-9]*")]
    children = [pid for pid in pids if _stat(pid)[1:2] == [str(parent)]]
    return max(children, key=lambda pid: int(_stat(pid)[11]))


def _cpu_seconds(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """Return the fields of a process from its state on, see proc(5); none if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
