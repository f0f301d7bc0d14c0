import errno
import io
import json
import logging
import os
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import structlog
from structlog.testing import capture_logs

from autonomy_core.operations.logging import StandardError, configure_logging


def lines_of(autonomy, path, **options):
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        answer = autonomy.app.get(path, **options)
    return answer, [line for line in lines if line["event"] == "request"]


def test_each_request_is_one_line_with_organisation_and_actor(autonomy):
    autonomy.organisation("acme")
    headers = autonomy.as_staff("acme")
    answer, (line,) = lines_of(autonomy, "/acme/api/v1/admin/products?limit=1", headers=headers)
    assert line.pop("duration_ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "request_id": answer.headers["X-Request-ID"],
        "organisation": "acme",
        "actor": "staff",
        "method": "GET",
        "path": "/acme/api/v1/admin/products",
        "status": 200,
    }


def test_the_log_context_ends_with_the_request(autonomy):
    autonomy.organisation("acme")
    lines_of(autonomy, "/acme/api/v1/admin/products", headers=autonomy.as_staff("acme"))
    _, (line,) = lines_of(autonomy, "/health/live")
    assert "organisation" not in line
    assert "actor" not in line


def test_a_well_formed_request_id_is_kept(autonomy):
    answer, (line,) = lines_of(autonomy, "/health/live", headers={"X-Request-ID": "proxy-0123.abc_D"})
    assert answer.headers["X-Request-ID"] == line["request_id"] == "proxy-0123.abc_D"


@pytest.mark.parametrize("offered", ["short", "with space in it", "x" * 129, "ünusual-id", 'quote"quote'])
def test_an_invalid_request_id_is_replaced(autonomy, offered):
    answer, (line,) = lines_of(autonomy, "/health/live", headers={"X-Request-ID": offered})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])
    assert line["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/nobody/api/v1/products", "/acme/api/v1/customers/me", "/%ff/api"])
def test_refused_requests_are_logged_and_protected_alike(autonomy, path):
    autonomy.organisation("acme")
    answer, (line,) = lines_of(autonomy, path, status="*")
    assert 400 <= answer.status_int == line["status"] < 500
    assert answer.headers["X-Request-ID"] == line["request_id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", ["/acme%0aFAKE", "/%1b%5d0;owned%07", "/%00", "/%c2%9b2J", "/%e2%80%ae"])
def test_control_characters_of_a_path_are_escaped(autonomy, path):
    _, (line,) = lines_of(autonomy, path, status=404)
    assert line["path"].isascii()
    assert line["path"].isprintable()


@pytest.fixture
def written(capsys):
    """Return what was written to standard error; logging is restored afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield lambda: capsys.readouterr().err
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_json_logs_are_one_object_per_line_for_every_logger(written):
    configure_logging("json")
    structlog.get_logger("ours").info("payment.settled", payment_id="1\n2")
    logging.getLogger("theirs").warning("careful: %s", "hot")
    ours, theirs = map(json.loads, written().splitlines())
    assert (ours["event"], ours["payment_id"], ours["level"], ours["logger"]) == (
        "payment.settled",
        "1\n2",
        "info",
        "ours",
    )
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("careful: hot", "warning", "theirs")
    assert ours["timestamp"].endswith("Z")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_shows_no_variables(written, log_format):
    configure_logging(log_format)
    password = str(2**64)
    try:
        raise LookupError(len(password))
    except LookupError:
        structlog.get_logger().exception("request.crashed")
    told = written()
    assert "raise LookupError(len(password))" in told
    assert password not in told


def test_the_level_is_applied_and_lines_are_written_once(written):
    configure_logging("console", "error")
    configure_logging("json", "warning")
    structlog.get_logger().info("too.little")
    structlog.get_logger().warning("enough")
    assert [json.loads(line)["event"] for line in written().splitlines()] == ["enough"]


def test_an_unwritable_console_stops_no_request(written, monkeypatch):
    class Full(io.StringIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    configure_logging("json")
    root = logging.getLogger()
    with monkeypatch.context() as patched:
        # As it is outside of pytest, which listens as well.
        patched.setattr(root, "handlers", [each for each in root.handlers if type(each) is StandardError])
        patched.setattr(sys, "stderr", Full())
        structlog.get_logger("ours").info("lost")
    structlog.get_logger("ours").info("seen")
    assert json.loads(written())["event"] == "seen"


class Stalled(io.StringIO):
    """A console whose writes block until it is opened."""

    def __init__(self):
        super().__init__()
        self.reached, self.opened = threading.Event(), threading.Event()

    def write(self, text):
        self.reached.set()
        assert self.opened.wait(30)
        return super().write(text)

    def events(self):
        return [json.loads(line)["event"] for line in self.getvalue().splitlines()]


@pytest.fixture
def console(written):
    configure_logging("json")
    return next(each for each in logging.getLogger().handlers if type(each) is StandardError)


@pytest.fixture
def threads():
    with ThreadPoolExecutor(3) as pool:
        yield pool


def wait_until(holds):
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@contextmanager
def stalled(console, threads, monkeypatch):
    """A thread writes to a console that is blocked until the end of the block; then all is written."""
    stalled = Stalled()
    monkeypatch.setattr(sys, "stderr", stalled)
    first = threads.submit(console.write, {"level": "info", "event": "first"})
    assert stalled.reached.wait(30)
    try:
        yield stalled
    finally:
        stalled.opened.set()
        first.result(30)
    console.flush()


def test_the_writing_thread_writes_the_lines_of_the_others(console, threads, monkeypatch):
    with stalled(console, threads, monkeypatch) as stderr:
        for name in ("second", "third"):
            threads.submit(console.write, {"level": "info", "event": name}).result(30)
    assert stderr.events() == ["first", "second", "third"]


def test_the_lines_of_one_thread_keep_their_order(console, threads, monkeypatch):
    def log():
        console.write({"level": "info", "event": "second"})
        console.handle(logging.makeLogRecord({"msg": "third", "levelname": "INFO"}))
        console.write({"level": "info", "event": "fourth"})

    with stalled(console, threads, monkeypatch) as stderr:
        threads.submit(log).result(30)
    assert stderr.events() == ["first", "second", "third", "fourth"]


def test_a_full_buffer_makes_the_logging_thread_wait(console, threads, monkeypatch):
    console.most_waiting = 1
    with stalled(console, threads, monkeypatch) as stderr:
        threads.submit(console.write, {"level": "info", "event": "second"}).result(30)
        third = threads.submit(console.write, {"level": "info", "event": "third"})
        wait_until(lambda: len(console._lines) == 2)
        with pytest.raises(TimeoutError):
            third.result(0.1)
    third.result(30)
    assert stderr.events() == ["first", "second", "third"]


def test_lines_logged_during_the_final_write_are_written(console, threads, monkeypatch):
    stderr = Stalled()
    monkeypatch.setattr(sys, "stderr", stderr)
    flushing = threads.submit(console.flush)
    assert stderr.reached.wait(30)
    threads.submit(console.write, {"level": "info", "event": "first"}).result(30)
    stderr.opened.set()
    flushing.result(30)
    assert stderr.events() == ["first"]


def test_a_thread_that_logs_while_writing_does_not_deadlock(console, monkeypatch):
    class Interrupted(io.StringIO):
        interrupted = False

        def write(self, text):
            if not self.interrupted:
                self.interrupted = True
                console.write({"level": "info", "event": "second"})
                console.flush()
            return super().write(text)

    console.most_waiting = 0
    monkeypatch.setattr(sys, "stderr", stderr := Interrupted())
    console.write({"level": "info", "event": "first"})
    assert [json.loads(line)["event"] for line in stderr.getvalue().splitlines()] == ["first", "second"]


def test_a_process_forked_during_a_write_can_log(console):
    from_child, to_parent = os.pipe()
    with console._writing:
        if not os.fork():
            sys.stderr = os.fdopen(to_parent, "w")
            console.write({"level": "info", "event": "in the child"})
            os._exit(0)
    os.close(to_parent)
    os.wait()
    with os.fdopen(from_child) as told:
        assert json.loads(told.read())["event"] == "in the child"


def test_the_line_has_the_clients_address(autonomy):
    _, (line,) = lines_of(autonomy, "/health/live", extra_environ={"REMOTE_ADDR": "203.0.113.9"})
    assert line["client"] == "203.0.113.9"


def test_a_body_that_breaks_off_is_one_line_of_information(autonomy):
    autonomy.organisation("acme")
    headers = {**autonomy.as_staff("acme"), "Content-Type": "application/json", "Content-Length": "100"}
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        answer = autonomy.app.post(
            "/acme/api/v1/admin/products", b'{"ti', headers=headers, status=400,
            extra_environ={"autonomy.unchecked": True},
        )  # fmt: skip
    assert answer.json["code"] == "request_broken_off"
    assert [(line["event"], line["log_level"], line["status"]) for line in lines] == [
        ("request", "info", 400)
    ]
