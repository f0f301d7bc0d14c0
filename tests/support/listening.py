"""Runs a server in front of the application until a test ends."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

TIMEOUT_S = 60


@contextmanager
def listening(command: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """Start a process, wait until it listens, and end it after the block.

    Args:
        command: starts the server in the foreground.
        port: on which it listens.
        log: what is shown if it does not start.
    """
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while not _listens(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"{command[0]} does not listen"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
