"""Ask the database something within a deadline, however it hangs.

A statement timeout is kept by PostgreSQL, which keeps none while it is stopped; and libpq waits for a connection that
is open for as long as the network lets it. So a thread asks, another one waits for it, and when the time is over shuts
the connection's socket down, which ends the waiting of the first.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from typing import Any, Generic, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, event

T = TypeVar("T")

ANSWER_WITHIN_S = 2.0
"""The deadline. psycopg takes no shorter one for the making of a connection."""


_running = threading.local()
"""The attempt that a thread runs."""


def make_interruptible(engine: Engine) -> None:
    """Let attempts interrupt all that is asked of an engine's connections, also what is before they are given.

    A connection that has rested is pinged, and a new one is told its limits: both would wait beyond the deadline.
    """
    for moment in ("connect", "checkout"):
        event.listen(engine, moment, _hold, insert=True)


def _hold(connection: psycopg.Connection[Any], *_: Any) -> None:
    attempt: _Attempt[Any] | None = getattr(_running, "attempt", None)
    if attempt is not None:
        attempt.hold(connection.pgconn.socket)


class NoAnswer(Exception):
    """The database has not answered in time."""

    def __init__(self) -> None:
        super().__init__(f"it has not answered within {ANSWER_WITHIN_S:g} seconds")


class Probe(Generic[T]):
    """Runs one function on a connection, in one thread at a time.

    Args:
        connect: gives a connection of an engine that is `make_interruptible`.
        look: what to run; it must change nothing.
    """

    def __init__(
        self, connect: Callable[[], AbstractContextManager[Connection]], look: Callable[..., T]
    ) -> None:
        self._connect = connect
        self._look = look
        self._lock = threading.Lock()
        self._attempt: _Attempt[T] | None = None

    def ask(self, *arguments: Any) -> T:
        """The outcome of an attempt that is under way, or else of a new one.

        Raises:
            NoAnswer: there is none within `ANSWER_WITHIN_S` of the attempt's beginning.
            Exception: what the function or the connection has raised.
        """
        with self._lock:
            attempt = self._attempt
            if attempt is None or attempt.outcome.done():
                attempt = self._attempt = _Attempt()
                run = (attempt.run, self._connect, self._look, arguments)
                threading.Thread(target=run[0], args=run[1:], name="database-probe", daemon=True).start()
        return attempt.wait()


class _Attempt(Generic[T]):
    """One run of the function, in a thread that ends soon after the deadline."""

    def __init__(self) -> None:
        self.outcome: Future[T] = Future()
        self._deadline = time.monotonic() + ANSWER_WITHIN_S
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_late = False

    def run(
        self,
        connect: Callable[[], AbstractContextManager[Connection]],
        look: Callable[..., T],
        arguments: tuple[Any, ...],
    ) -> None:
        """Look, and keep the outcome."""
        _running.attempt = self
        try:
            with connect() as connection:
                found = look(connection, *arguments)
        except BaseException as error:  # noqa: BLE001 - raised again where the outcome is waited for
            # What an interruption causes looks like a server that has ended.
            self.outcome.set_exception(NoAnswer() if self._is_late else error)
        else:
            self.outcome.set_result(found)
        finally:
            self._let_go()

    def wait(self) -> T:
        """The outcome; at the deadline the attempt is interrupted."""
        try:
            return self.outcome.result(max(0.0, self._deadline - time.monotonic()))
        except TimeoutError:
            if self.outcome.done():
                raise
        self._interrupt()
        raise NoAnswer

    def hold(self, descriptor: int) -> None:
        """Interrupt the waiting for this connection when the time is over."""
        self._let_go()
        with self._lock:
            # A duplicate: the driver may close its own at any time, and the number may then be another file's.
            self._socket = socket.socket(fileno=os.dup(descriptor))
            if self._is_late:
                self._shut_down()

    def _interrupt(self) -> None:
        with self._lock:
            self._is_late = True
            self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _let_go(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None
