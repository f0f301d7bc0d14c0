"""A server with more requests than threads, and a server that stops."""

import select
import signal
from contextlib import ExitStack

import pytest

from autonomy_core.edge.pool import WAITING_PER_THREAD
from tests.faults.installation import TIMEOUT_S, wait_for
from tests.functional.edge.serving import Trial, read_answer
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


def test_requests_beyond_the_queue_are_refused_and_queued_ones_served(own, tmp_path):
    with ExitStack() as stack:
        clients = [stack.enter_context(own.connect("GET /hold")) for _ in range(THREADS)]
        wait_for(lambda: len(noted(tmp_path / "begun")) == THREADS, "every thread to have one")
        rest = range(ROOM + TOO_MANY - THREADS)
        clients += [stack.enter_context(own.connect("GET /hold")) for _ in rest]
        wait_for(lambda: len(answered(clients)) == TOO_MANY, "the refusals")
        refused = answered(clients)
        assert {read_answer(each) for each in refused} == {(503, b"unavailable")}
        assert own.ask("GET /health/live") == (401, b"no")
        (tmp_path / "let-go").touch()
        assert {read_answer(each) for each in clients if each not in refused} == {(200, b"held")}
        assert own.ask("GET /refuse") == (401, b"no")


def test_a_client_that_left_before_its_turn_is_skipped(own, tmp_path):
    with ExitStack() as stack:
        holding = [stack.enter_context(own.connect("GET /hold")) for _ in range(THREADS)]
        own.connect("POST /hold", "Content-Length: 4", body=b"gone").close()
        wait_for(lambda: "request_broken_off" in noted(tmp_path / "refusals"), "the server to notice")
        stays = stack.enter_context(own.connect("POST /hold", "Content-Length: 5", body=b"stays"))
        (tmp_path / "let-go").touch()
        assert {read_answer(each) for each in [*holding, stays]} == {(200, b"held")}
    assert sorted(noted(tmp_path / "held")) == [*["0"] * THREADS, "5"]


def test_a_request_past_its_deadline_is_a_503_and_keeps_running(tmp_path):
    running = Trial(tmp_path, answer_s=2.0)
    body = b"x" * 200_000
    try:
        assert running.ask("POST /hold", f"Content-Length: {len(body)}", body=body) == (
            503,
            b"answer_too_slow",
        )
        before = running.open()
        (tmp_path / "let-go").touch()
        # Its body is kept until then.
        wait_for(lambda: noted(tmp_path / "held") == [str(len(body))], "the thread")
        wait_for(lambda: running.open() < before, "the body's file to be closed")
    finally:
        running.stop()


def test_a_request_that_crashes_after_its_deadline_is_in_the_log(tmp_path):
    running = Trial(tmp_path, answer_s=2.0)
    try:
        assert running.ask("GET /hold-and-fail") == (503, b"answer_too_slow")
        (tmp_path / "let-go").touch()
        wait_for(lambda: "request.crashed" in running.log.read_text(), "the crash to be logged")
        wait_for(lambda: "RuntimeError: after the deadline" in running.log.read_text(), "its traceback")
    finally:
        running.stop()


def test_a_request_not_begun_in_time_is_never_begun(tmp_path):
    running = Trial(tmp_path, answer_s=2.0)
    try:
        with ExitStack() as stack:
            clients = [stack.enter_context(running.connect("GET /hold")) for _ in range(THREADS + 1)]
            answers = [read_answer(each) for each in clients]
        begun = answers.count((503, b"answer_too_slow"))
        assert answers.count((503, b"unavailable")) == len(clients) - begun > 0
        (tmp_path / "let-go").touch()
        # The queue is in order, so by now the request would have been begun.
        running.ask_until(401, "GET /refuse")
        wait_for(lambda: len(noted(tmp_path / "held")) == begun, "those that were begun")
        assert len(noted(tmp_path / "begun")) == begun
    finally:
        running.stop()


def noted(path):
    return path.read_text().split() if path.exists() else []


def answered(clients):
    return select.select(clients, [], [], 0)[0]


def test_running_requests_end_before_the_server_stops(own):
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
    assert own.process.wait(TIMEOUT_S) == 0
