"""What does not outlive a run, however the run ends: its processes and its database. Also when the run is killed."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer


class Reaper:
    """Another process, which kills what it was told of when a pipe closes; the system closes it however we end."""

    def __init__(self, told):
        self._told = told

    def add(self, pid):
        """Have a process group killed in the end."""
        self._tell(f"+{pid}")

    def forget(self, pid):
        """It is gone, and its number may soon be another's."""
        self._tell(f"-{pid}")

    def _tell(self, line):
        self._told.write(f"{line}\n".encode())
        self._told.flush()


@contextmanager
def reaping(database):
    """Gives a `Reaper`; after the block, what it was told of is killed and the database removed with all its data."""
    command = [sys.executable, "-m", __name__, str(database.data_dir)]
    # In a session of its own, so that what ends this process, Ctrl-C for example, does not end it as well.
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
