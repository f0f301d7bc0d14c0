"""What the workers of a test run share: directories that one of them makes, and PostgreSQL data in them."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autonomy_core.db.embedded import EmbeddedServer


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a directory that the first worker makes that needs it. Tests copy it and do not change it.

    Args:
        factory: pytest's.
        name: the directory's name.
        make: fills the empty directory that it is given. After an error the next worker tries again.
    """
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    run = factory.getbasetemp().parent if is_worker else factory.getbasetemp()
    directory = run / name
    with (run / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            unfinished = run / f"{name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(directory)
    return directory


def copy(source: Path, target: Path) -> None:
    """Copy a directory with owners, modes and times, which `shutil.copytree` does not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", source, target], check=True)


def take_data(server: EmbeddedServer, target: Path) -> None:
    """Stop a server, move its data to a directory, and remove the rest of it."""
    server.stop()
    copy(server.directory / "pgdata", target)
    server.remove()


def give_data(source: Path, server: EmbeddedServer) -> None:
    """Give a server that has no data a copy of another's. It is not started."""
    server._home.create()
    copy(source, server.directory / "pgdata")
