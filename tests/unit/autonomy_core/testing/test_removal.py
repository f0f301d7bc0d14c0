"""Tests that are killed leave no database server behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autonomy_core.db.embedded import EmbeddedServer

TEST = """
import signal, time

def test_that_does_not_end(postgresql):
    # A shell starts background jobs with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("server", postgresql.data_dir, flush=True)
    time.sleep(600)
"""
TIMEOUT_S = 120


def until(condition):
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_server_of_a_killed_test_run_is_removed(tmp_path, number):
    (tmp_path / "test_it.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", f"--basetemp={tmp_path}/base"]
    with subprocess.Popen(
        [*command, f"--rootdir={tmp_path}", tmp_path / "test_it.py"], stdout=subprocess.PIPE, text=True
    ) as tests:
        assert tests.stdout is not None
        line = next(line for line in tests.stdout if "server /" in line)
        server = EmbeddedServer(Path(line.rpartition("server ")[2].strip()))
        assert server.is_running()
        tests.send_signal(number)
    until(lambda: not server.is_running())
    until(lambda: not server.directory.exists())
