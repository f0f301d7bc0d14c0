"""A program that a hostile file has taken over is stopped by the limits of its process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from autonomy_core.media import limited_program

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="Linux only")]

MEMORY = 1024 * 1024 * 1024


def run(code: str, *, cpu_s: int = 20, file_bytes: int = 0) -> subprocess.CompletedProcess[str]:
    """Run Python code as the limited program."""
    limits = [cpu_s, MEMORY, file_bytes, os.getpid(), sys.executable]
    command = [sys.executable, "-I", limited_program.__file__, *map(str, limits), "-I", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def leaves_the_network() -> bool:
    """Whether the system lets a process leave the network; some containers do not."""
    call = "import ctypes; libc = ctypes.CDLL(None); exit(libc.unshare(1 << 30) and libc.unshare(5 << 28))"
    return subprocess.run([sys.executable, "-c", call], check=False).returncode == 0


def test_a_program_within_its_limits_runs() -> None:
    assert run("print('made')").stdout == "made\n"


def test_memory_is_limited() -> None:
    assert "MemoryError" in run(f"bytearray({2 * MEMORY})").stderr


def test_processor_time_is_limited() -> None:
    assert run("while True: pass", cpu_s=1).returncode == -signal.SIGXCPU


def test_the_size_of_a_file_is_limited(tmp_path: Path) -> None:
    target = tmp_path / "made"
    run(f"open({str(target)!r}, 'wb', 0).write(bytes(20_000))", file_bytes=10_000)

    assert target.stat().st_size == 10_000


@pytest.mark.skipif(not leaves_the_network(), reason="the system lets no process leave the network")
def test_the_network_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        call = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        assert subprocess.run([sys.executable, "-c", call], check=False).returncode == 0

        assert "unreachable" in run(call).stderr


def test_new_privileges_are_given_up() -> None:
    status = run("print(open('/proc/self/status').read())").stdout
    assert "NoNewPrivs:\t1" in status
