"""Finds calls to other servers in an open transaction, whose locks would be held until the answer arrives."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

CALLS = {"socket.connect": 1, "socket.getaddrinfo": 0}
"""Python's audit events of a network call, each with the index of the address in its arguments."""

REMEDY = (
    "in a hook, defer a job for it; elsewhere, call between two transactions that begin with scope.begin()"
)


@dataclass
class _Watch:
    package: str
    what: str
    in_transaction: Callable[[], bool]
    found: list[str] = field(default_factory=list)

    def refuse(self, address: Any) -> None:
        # The address of a Unix socket is a path.
        place = _place(self.package)
        is_local = isinstance(address, str) and address.startswith("/")
        if place is None or is_local or not self.in_transaction():
            return
        self.found.append(f"{self.what} calls {address} at {place} while a transaction is open: {REMEDY}")
        raise AssertionError(self.found[-1])


_now = threading.local()


@contextmanager
def no_outgoing_calls(
    package: str, what: str, in_transaction: Callable[[], bool] = lambda: True
) -> Iterator[None]:
    """Refuse network calls of a plugin during the block, in this thread, while a transaction is open.

    Args:
        package: the plugin's package.
        what: what the block does, for the message.
        in_transaction: returns whether a transaction is open now.

    Raises:
        AssertionError: at the plugin's call, and after the block if the plugin caught the error.
    """
    _listen()
    _now.watch = watch = _Watch(package, what, in_transaction)
    try:
        yield
    finally:
        _now.watch = None
    if watch.found:
        raise AssertionError(watch.found[0])


@cache
def _listen() -> None:
    """Install the audit hook once, because Python cannot remove it."""

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        watch: _Watch | None = getattr(_now, "watch", None) if event in CALLS else None
        if watch is not None:
            watch.refuse(arguments[CALLS[event]])

    sys.addaudithook(hear)


def _place(package: str) -> str | None:
    """Return the innermost active code line of a package; None without one."""
    frame = inspect.currentframe()
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module == package or module.startswith(f"{package}."):
            return f"{module}:{frame.f_lineno}"
        frame = frame.f_back
    return None
