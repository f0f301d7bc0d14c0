"""The real processes, ``autonomy serve`` and ``autonomy worker``, and what the system says of them."""

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

PATIENCE_S = 120.0
PRODUCTS = "/api/v1/products"
MIB = 1024 * 1024


class NotServed(RuntimeError):
    """A process does not do what it is measured at; the message ends with its log."""


@dataclass(frozen=True)
class Started:
    """A process that is ready.

    Attributes:
        pid: of the process that works: the server's worker process, not the one that looks after it.
        seconds: from its start until it was ready.
        cpu_at_start: the processor time that it took until then, with the process that looks after it.
        port: of the server, on 127.0.0.1.
    """

    pid: int
    seconds: float
    cpu_at_start: float
    port: int = 0

    def memory(self) -> float:
        """The memory that is this process's alone because it has written to it, in MiB. What it has only read, such as
        the code of libraries, comes and goes with what else the machine does.
        """
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        written = (line.split()[1] for line in lines if line.startswith(("Private_Dirty:", "Swap:")))
        return sum(map(int, written)) * 1024 / MIB

    def cpu_seconds(self) -> float:
        """The processor time that it has used."""
        return _cpu_seconds(self.pid)

    def ask(self, hosts: Iterable[str]) -> list[int]:
        """Ask for the products of the organisations of some hosts, one by one; gives the answers' statuses."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            return [_status(connection, host) for host in hosts]


@contextlib.contextmanager
def server(shops: Shops, host: str) -> Iterator[Started]:
    """Serve with one worker process until the end of the block.

    Args:
        host: of the organisation whose first answer is waited for.

    Raises:
        NotServed: there is none.
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
    """Run the worker of the jobs until the end of the block."""
    with _running(shops, ["worker"]) as (process, log):
        seconds = _until(lambda: b"worker.started" in log.read_bytes(), process, log)
        yield Started(process.pid, seconds, _cpu_seconds(process.pid))


def until(happened: Callable[[], bool], what: str) -> float:
    """Wait for something; gives the seconds that it took."""
    begun = time.perf_counter()
    while not happened():
        if time.perf_counter() - begun > PATIENCE_S:
            raise NotServed(f"waited in vain for {what}")
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
    """The child that has used most processor time; the others only look after it."""
    pids = [int(directory.name) for directory in Path("/proc").glob("[0-9]*")]
    children = [pid for pid in pids if _stat(pid)[1:2] == [str(parent)]]
    return max(children, key=lambda pid: int(_stat(pid)[11]))


def _cpu_seconds(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The fields of a process from its state on, see proc(5); none if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
