"""``make demo CHECK=1`` as a process that tests disturb."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.forked_demonstration import DEMONSTRATION
from tests.support.forks import Fork
from tests.support.server_processes import wait_for

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 180
PROGRAM = (sys.executable, "-X", "faulthandler", "-m", "demo")


class Demonstration:
    """``make demo CHECK=1`` in a process of its own, whose parts a test kills.

    Args:
        places: of the demonstration.
        forked: its processes are `forks`, not programs.
    """

    def __init__(self, places, *, forked):
        options = ("--check", f"--port={places.port}", f"--directory={places.directory}")
        reading, writing = os.pipe()
        self._places = places
        self._output = os.fdopen(reading)
        with os.fdopen(writing, "wb") as output:
            if forked:
                self.process = Fork(DEMONSTRATION, options, output, directory=ROOT)
            else:
                self.process = subprocess.Popen(
                    [*PROGRAM, *options], cwd=ROOT, stdout=output, stderr=output, start_new_session=True
                )
        self.transcript = []

    def until(self, words):
        """Read the transcript up to a line that contains these words."""
        for line in self._output:
            self.transcript.append(line)
            if words in line:
                return
        pytest.fail(f"{words!r} never came:\n{''.join(self.transcript)}")

    def end(self):
        try:
            self.process.wait(WITHIN_S)
        except subprocess.TimeoutExpired:
            # The fault handler prints what each thread does.
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            pytest.fail(f"the demonstration does not end:\n{''.join([*self.transcript, *self._output])}")
        self.transcript += self._output
        return self.process.returncode

    def kill_child(self, name):
        """Kill -9 a child with its own children: ``server``, ``worker`` or ``simulator``."""
        pid = next(pid for pid, log in _logging(self._places) if log.stem == name)
        os.killpg(os.getpgid(pid), signal.SIGKILL)

    def close(self):
        """End it if it runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(WITHIN_S)
        self._output.close()


def nothing_remains(places):
    """Whether no process writes into the directory of a demonstration, once the killed ones are gone."""
    wait_for(lambda: not list(_logging(places)), "the end of every process")
    return True


def _logging(places):
    """The processes whose standard output is a log in this directory, each with the log."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or it is another user's
            log = (process / "fd" / "1").readlink()
            if log.parent == places.directory:
                yield int(process.name), log
