"""Remove the processes and the database of a run however it ends, also when it is killed."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer


class Reaper:
    """A process that kills the registered groups when its pipe closes, which the system does in any case."""

    def __init__(self, told):
        self._told = told

    def add(self, pid):
        """Register a process group to be killed in the end."""
        self._tell(f"+{pid}")

    def forget(self, pid):
        """Remove a process group that has ended; its number may be reused."""
        self._tell(f"-{pid}")

    def _tell(self, line):
        self._told.write(f"{line}\n".encode())
        self._told.flush()


@contextmanager
def reaping(database):
    """A `Reaper`; after the block, its processes are killed and the database is removed."""
    command = [sys.executable, "-m", __name__, str(database.data_dir)]
    # In its own session, so that a signal to this process, such as Ctrl-C, does not end it too.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, start_new_session=True, cwd=Path(__file__).parents[2]
    ) as process:
        yield Reaper(process.stdin)


def kill_group(pid):
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _reap_when_told():
    groups = set()
    for line in sys.stdin:
        change, pid = line[0], int(line[1:])
        (groups.add if change == "+" else groups.discard)(pid)
    for pid in groups:
        kill_group(pid)
    EmbeddedServer(Path(sys.argv[1])).remove()


if __name__ == "__main__":
    _reap_when_told()
