"""Removes a PostgreSQL server of tests, even if the tests are killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer


@contextmanager
def removed_afterwards(server: EmbeddedServer) -> Iterator[None]:
    """Remove a server with all its data after the block, or when this process ends within it.

    Args:
        server: the server; it need not run yet.
    """
    command = [sys.executable, "-m", __name__, str(server.data_dir)]
    # Another process removes it, when its input ends, which the system closes however this process ends. It
    # runs in a separate session, so that signals such as Ctrl-C do not reach it.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield


def _remove_at_end_of_input() -> None:
    sys.stdin.read()
    EmbeddedServer(Path(sys.argv[1])).remove()


if __name__ == "__main__":
    _remove_at_end_of_input()
