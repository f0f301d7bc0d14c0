"""A demonstration that cannot start reports it; a stopped one leaves no process."""

import contextlib
import os
import signal
import socket
import time

import pytest

from demo.places import free_port
from tests.faults.demonstration import nothing_remains

pytestmark = pytest.mark.processes


def test_a_taken_port_is_a_clear_message(places, demonstration):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", places.port))
        taken.listen()
        refused = demonstration()
        assert refused.end() == 2
    assert f"Port {places.port} cannot be used" in "".join(refused.transcript)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("stocked")
def test_repeated_signals_stop_every_process(places, demonstration, number):
    stopped = demonstration()
    stopped.until("pending")
    for _ in range(3):
        with contextlib.suppress(ProcessLookupError):
            os.kill(stopped.process.pid, number)
        time.sleep(0.3)
    assert stopped.end() == 130
    assert nothing_remains(places)


@pytest.mark.usefixtures("stocked")
def test_a_second_demonstration_in_one_directory_is_refused(places, demonstration):
    first = demonstration()
    first.until("1. harbour")
    # While the first is stopped, it cannot end before the second looks.
    first.process.send_signal(signal.SIGSTOP)
    try:
        second = demonstration(port=free_port())
        assert second.end() == 1
    finally:
        first.process.send_signal(signal.SIGCONT)
    assert "is running" in "".join(second.transcript)
    assert first.end() == 0, "".join(first.transcript)
