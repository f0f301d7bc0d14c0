"""``make demo CHECK=1`` as a process that tests disturb."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 180


class Demonstration:
    """``make demo CHECK=1`` as a process of its own, whose parts a test kills."""

    def __init__(self, places):
        command = [
            sys.executable,
            "-X",
            "faulthandler",
            "-m",
            "demo",
            "--check",
            f"--port={places.port}",
            f"--directory={places.directory}",
        ]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.transcript = []

    def until(self, words):
        """Read the transcript up to a line that contains these words."""
        for line in self.process.stdout:
            self.transcript.append(line)
            if words in line:
                return
        pytest.fail(f"{words!r} never came:\n{''.join(self.transcript)}")

    def end(self):
        try:
            rest, _ = self.process.communicate(timeout=WITHIN_S)
        except subprocess.TimeoutExpired:
            # The fault handler prints what each thread does.
            self.process.send_signal(signal.SIGABRT)
            rest, _ = self.process.communicate()
            pytest.fail(f"the demonstration does not end:\n{''.join([*self.transcript, rest])}")
        self.transcript.append(rest)
        return self.process.returncode

    def kill_child(self, *words):
        """Kill -9 the child whose command line contains these words."""
        for pid in children_of(self.process.pid):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            if all(word in command for word in words):
                os.killpg(pid, signal.SIGKILL)
                return
        pytest.fail(f"no child runs {words}")


def children_of(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def remaining(places):
    """Processes that still name this run's directory in their command line."""
    found = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True).stdout.splitlines()
    return [line for line in found if str(places.directory) in line and "pytest" not in line]
