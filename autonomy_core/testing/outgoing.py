"""Finds calls to other servers in an open transaction, whose locks would be held until the answer comes."""

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
"""Python's audit events of a call, each with the place of the address among its arguments."""

REMEDY = (
    "in a hook defer a job for it; elsewhere call between two transactions, each begun with scope.begin()"
)


@dataclass
class _Watch:
    package: str
    what: str
    in_transaction: Callable[[], bool]
    found: list[str] = field(default_factory=list)

    def refuse(self, address: Any) -> None:
        # The path of a socket on this machine is a text.
        place = _place(self.package)
        is_local = isinstance(address, str) and address.startswith("/")
        if place is None or is_local or not self.in_transaction():
            return
        self.found.append(f"{self.what} calls {address} at {place} while a transaction is open: {REMEDY}")
        raise AssertionError(self.found[-1])


_now = threading.local()


@contextmanager
def calling_nobody(
    package: str, what: str, in_transaction: Callable[[], bool] = lambda: True
) -> Iterator[None]:
    """Refuse what a plugin calls within the block, in this thread, while a transaction is open.

    Args:
        package: the plugin's.
        what: runs in the block, for the message.
        in_transaction: tells whether one is open now.

    Raises:
        AssertionError: where the plugin calls, and after the block if it has caught that.
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
    """Once, since Python forgets no audit hook."""

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        watch: _Watch | None = getattr(_now, "watch", None) if event in CALLS else None
        if watch is not None:
            watch.refuse(arguments[CALLS[event]])

    sys.addaudithook(hear)


def _place(package: str) -> str | None:
    """Where in a package the innermost of the calls is that are under way; None if none is."""
    frame = inspect.currentframe()
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module == package or module.startswith(f"{package}."):
            return f"{module}:{frame.f_lineno}"
        frame = frame.f_back
    return None
