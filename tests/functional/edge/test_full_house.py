"""A server with more to do than threads to do it, and one that is to end."""

import select
import signal
from contextlib import ExitStack

import pytest

from autonomy_core.edge.pool import WAITING_PER_THREAD
from tests.faults.installation import PATIENCE_S, wait_for
from tests.functional.edge.conftest import Trial, read_answer
from tests.functional.edge.trial import FILE_BYTES, THREADS

pytestmark = pytest.mark.processes

ROOM = THREADS * (1 + WAITING_PER_THREAD)
TOO_MANY = 10


@pytest.fixture
def own(tmp_path):
    """A server of the test's own."""
    running = Trial(tmp_path, per_address=1000)
    yield running
    running.stop()


def test_who_would_wait_too_long_is_told_to_come_back_and_who_waits_is_served(own, tmp_path):
    with ExitStack() as stack:
        clients = [stack.enter_context(own.connect("GET /hold")) for _ in range(ROOM + TOO_MANY)]
        wait_for(lambda: len(answered(clients)) == TOO_MANY, "the refusals")
        refused = answered(clients)
        assert {read_answer(each) for each in refused} == {(503, b"unavailable")}
        assert own.ask("GET /health/live") == (401, b"no")
        (tmp_path / "let-go").touch()
        assert {read_answer(each) for each in clients if each not in refused} == {(200, b"held")}
        assert own.ask("GET /refuse") == (401, b"no")


def answered(clients):
    return select.select(clients, [], [], 0)[0]


def test_what_is_under_way_ends_before_the_server_does(own):
    with (
        own.connect("POST /echo", "Content-Length: 100000", body=b"x") as sends,
        own.connect("GET /file", buffer=65536) as listens,
    ):
        assert listens.recv(12) == b"HTTP/1.1 200"
        own.process.send_signal(signal.SIGTERM)
        wait_for(own.takes_no_more, "the socket that listens to be closed")
        sends.sendall(b"x" * 99_999)
        assert read_answer(sends) == (200, b"x" * 100_000)
        assert sum(map(len, iter(lambda: listens.recv(1 << 20), b""))) > FILE_BYTES
    assert own.process.wait(PATIENCE_S) == 0
