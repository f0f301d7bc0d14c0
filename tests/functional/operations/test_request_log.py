import errno
import io
import json
import logging
import os
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

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


def test_nothing_of_a_request_is_left_for_the_next(autonomy):
    autonomy.organisation("acme")
    lines_of(autonomy, "/acme/api/v1/admin/products", headers=autonomy.as_staff("acme"))
    _, (line,) = lines_of(autonomy, "/health/live")
    assert "organisation" not in line
    assert "actor" not in line


def test_a_well_formed_request_id_is_kept(autonomy):
    answer, (line,) = lines_of(autonomy, "/health/live", headers={"X-Request-ID": "proxy-0123.abc_D"})
    assert answer.headers["X-Request-ID"] == line["request_id"] == "proxy-0123.abc_D"


@pytest.mark.parametrize("offered", ["short", "with space in it", "x" * 129, "ünusual-id", 'quote"quote'])
def test_any_other_is_replaced(autonomy, offered):
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
def test_a_path_cannot_write_to_the_terminal_of_who_reads_the_log(autonomy, path):
    _, (line,) = lines_of(autonomy, path, status=404)
    assert line["path"].isascii()
    assert line["path"].isprintable()


@pytest.fixture
def written(capsys):
    """Gives what has been written to the standard error; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield lambda: capsys.readouterr().err
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_json_is_one_object_a_line_whoever_logs(written):
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


def test_the_level_is_kept_to_and_configuring_twice_writes_once(written):
    configure_logging("console", "error")
    configure_logging("json", "warning")
    structlog.get_logger().info("too.little")
    structlog.get_logger().warning("enough")
    assert [json.loads(line)["event"] for line in written().splitlines()] == ["enough"]


def test_a_console_that_cannot_be_written_to_stops_nobody(written, monkeypatch):
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


def test_who_is_writing_writes_what_others_log_meanwhile_and_nobody_waits(written, monkeypatch):
    class Slow(io.StringIO):
        def __init__(self):
            super().__init__()
            self.reached, self.opened = threading.Event(), threading.Event()

        def write(self, text):
            self.reached.set()
            assert self.opened.wait(30)
            return super().write(text)

    configure_logging("json")
    (console,) = [each for each in logging.getLogger().handlers if type(each) is StandardError]
    slow = Slow()
    monkeypatch.setattr(sys, "stderr", slow)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(console.write, {"level": "info", "event": "first"})
        assert slow.reached.wait(30)
        try:
            for name in ("second", "third"):
                threads.submit(console.write, {"level": "info", "event": name}).result(30)
        finally:
            slow.opened.set()
        first.result(30)
    assert [json.loads(line)["event"] for line in slow.getvalue().splitlines()] == [
        "first",
        "second",
        "third",
    ]


def test_a_process_that_is_forked_while_somebody_writes_can_write(written):
    configure_logging("json")
    (console,) = [each for each in logging.getLogger().handlers if type(each) is StandardError]
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
