"""Stop an embedded PostgreSQL with SIGSTOP: it accepts connections and answers nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from autonomy_core.db.embedded import EmbeddedServer


@contextmanager
def stopped(server: EmbeddedServer) -> Iterator[None]:
    """Stop every process of a running server with SIGSTOP, and continue them after the block."""
    main = int((server.directory / "pgdata" / "postmaster.pid").read_text().split()[0])
    # A stopped postmaster starts no more processes; one may end meanwhile.
    os.kill(main, signal.SIGSTOP)
    processes = [main, *_children_of(main)]
    try:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def _children_of(parent: int) -> list[int]:
    command = ["/bin/ps", "-o", "pid=", "--ppid", str(parent)]
    return [
        int(line)
        for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    ]
