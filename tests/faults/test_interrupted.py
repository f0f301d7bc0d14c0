"""Real processes, killed at bad moments: in the end there is one payment, and one grant."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from demo.places import find_places, free_port

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 180

pytestmark = pytest.mark.processes


def rows(places, statement):
    """What the database holds, seen by its owner."""
    url = places.database.url("autonomy").replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()


COMPLETED = "SELECT organisation_id, count(*) FROM payments WHERE status = 'completed' GROUP BY 1 ORDER BY 1"
GRANTED = "SELECT organisation_id, count(*) FROM grants WHERE revoked_at IS NULL GROUP BY 1 ORDER BY 1"


@pytest.fixture
def places(tmp_path):
    found = find_places(free_port(), tmp_path / "demo")
    yield found
    found.database.stop()
    found.database.remove()


class Demonstration:
    """``make demo CHECK=1`` as a process of its own, whose parts a test kills."""

    def __init__(self, places):
        command = [
            sys.executable,
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
        rest, _ = self.process.communicate(timeout=WITHIN_S)
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


@pytest.fixture
def demonstration(places):
    """Starts demonstrations; a failing test leaves none running."""
    started = []

    def start():
        started.append(Demonstration(places))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGINT)
            one.process.wait(WITHIN_S)
        one.process.stdout.close()


def children_of(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def remaining(places):
    """Processes that still name this run's directory in their command line."""
    found = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True).stdout.splitlines()
    return [line for line in found if str(places.directory) in line and "pytest" not in line]


@pytest.mark.parametrize(
    ("moment", "victim"),
    [("/c/pay/", "serve"), ("pending", "worker")],
)
def test_a_demonstration_whose_part_is_killed_ends_the_second_time_with_one_payment_and_one_grant(
    places, demonstration, moment, victim
):
    first = demonstration()
    first.until(moment)
    first.kill_child(victim)
    first.end()
    assert remaining(places) == []

    second = demonstration()
    assert second.end() == 0, "".join(second.transcript)
    assert remaining(places) == []
    places.database.ensure_running()
    assert rows(places, COMPLETED) == [("harbour", 1), ("nightjar", 1)]
    assert rows(places, GRANTED) == [("harbour", 1), ("nightjar", 1)]


def test_each_whole_demonstration_shows_a_whole_purchase_by_a_customer_of_its_own(places, demonstration):
    shown = []
    for _ in range(2):
        whole = demonstration()
        assert whole.end() == 0, "".join(whole.transcript)
        shown.append("".join(whole.transcript))
    for transcript in shown:
        assert transcript.count("/register  201") == transcript.count("/purchase  201") == 2
        assert "409 Conflict" not in transcript
        assert "9. nightjar stays strictly apart" in transcript
    places.database.ensure_running()
    assert rows(places, COMPLETED) == [("harbour", 2), ("nightjar", 2)]
    assert rows(places, GRANTED) == [("harbour", 2), ("nightjar", 2)]


def test_a_taken_port_is_a_clear_message(places, demonstration):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", places.port))
        taken.listen()
        refused = demonstration()
        assert refused.end() == 2
    assert f"Port {places.port} cannot be used" in "".join(refused.transcript)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_kill_and_a_closed_terminal_stop_every_process_however_often(places, demonstration, number):
    stopped = demonstration()
    stopped.until("pending")
    for _ in range(3):
        with contextlib.suppress(ProcessLookupError):
            os.kill(stopped.process.pid, number)
        time.sleep(0.3)
    assert stopped.end() == 130
    assert remaining(places) == []


def test_a_second_demonstration_in_the_same_place_is_refused_and_disturbs_nobody(places, demonstration):
    first = demonstration()
    first.until("1. harbour")
    second = subprocess.run(
        [sys.executable, "-m", "demo", "--check", f"--port={free_port()}", f"--directory={places.directory}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "is running" in second.stdout
    assert first.end() == 0, "".join(first.transcript)
