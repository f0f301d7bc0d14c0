"""``make unit`` runs the tests of this directory that start no process and open no connection; this keeps them so.

A test that does is marked with ``processes``, by hand or by a fixture that it uses.
"""

import sys

import pytest

APART = {
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.system",
    "socket.bind",
    "socket.connect",
    "subprocess.Popen",
}
"""What leaves the process, as https://docs.python.org/3.11/library/audit_events.html calls it."""

SERVERS = {"fresh", "inspected", "postgresql", "server"}
"""Fixtures that start a process or listen."""

running = None


def refuse_to_leave(event, _arguments):
    if event in APART and running is not None and running.get_closest_marker("processes") is None:
        pytest.fail(f"{event}: pytest.mark.processes is missing")


sys.addaudithook(refuse_to_leave)


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item):
    if SERVERS.intersection(item.fixturenames):
        item.add_marker(pytest.mark.processes)


@pytest.fixture(autouse=True)
def remembered(request):
    """An audit hook is never removed: it looks at the test that runs."""
    global running  # noqa: PLW0603 - for the hook
    running = request.node
    yield
    running = None
