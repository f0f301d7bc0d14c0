"""Fail a test of this directory that starts a process or opens a connection without saying so.

Such a test has the mark ``processes``, from itself or from a fixture. ``make unit`` runs the others.
"""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

APART = {
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.system",
    "socket.bind",
    "socket.connect",
    "subprocess.Popen",
}
"""Audit events of leaving the process. https://docs.python.org/3.11/library/audit_events.html"""

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Check the test that runs, and its fixtures of every scope; Python cannot remove an audit hook."""
    global running  # noqa: PLW0603 - for the hook
    # pytest calls the hook for the tests of other directories as well.
    running = item if item.path.is_relative_to(HERE) else None
    try:
        return (yield)
    finally:
        running = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    """Let the last test of all end what tests of other directories have started."""
    global running  # noqa: PLW0603 - for the hook
    if nextitem is None:
        running = None
    return (yield)
