"""Query the database with a deadline, even if it hangs.

PostgreSQL enforces the statement timeout, so it has no effect while PostgreSQL is stopped. libpq waits for an
open connection for as long as TCP does. Therefore one thread queries, and another one waits for the result.
At the deadline, the waiting thread shuts down the connection's socket, which ends the query's thread.
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
"""The deadline, in seconds. psycopg accepts no shorter connection timeout."""


_running = threading.local()
"""The attempt that the current thread runs."""


def make_interruptible(engine: Engine) -> None:
    """Let attempts interrupt all use of an engine's connections, including their setup.

    The pool pings an idle connection, and sets the limits of a new one. Both could exceed the deadline.
    """
    for moment in ("connect", "checkout"):
        event.listen(engine, moment, _hold, insert=True)


def _hold(connection: psycopg.Connection[Any], *_: Any) -> None:
    attempt: _Attempt[Any] | None = getattr(_running, "attempt", None)
    if attempt is not None:
        attempt.hold(connection.pgconn.socket)


class NoAnswer(Exception):
    """The database has not answered before the deadline."""

    def __init__(self) -> None:
        super().__init__(f"it has not answered within {ANSWER_WITHIN_S:g} seconds")


class Probe(Generic[T]):
    """Runs one function on a connection, in one thread at a time.

    Args:
        connect: gives a connection of an engine that was passed to `make_interruptible`.
        look: the function. It must not change anything.
    """

    def __init__(
        self, connect: Callable[[], AbstractContextManager[Connection]], look: Callable[..., T]
    ) -> None:
        self._connect = connect
        self._look = look
        self._lock = threading.Lock()
        self._attempt: _Attempt[T] | None = None

    def ask(self, *arguments: Any) -> T:
        """Wait for the running attempt, or start a new one.

        Args:
            arguments: further arguments of the function; ignored if an attempt is running.

        Returns:
            The function's result.

        Raises:
            NoAnswer: the attempt did not end within `ANSWER_WITHIN_S` of its start.
            Exception: any error of the function or of the connection.
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
        """Call the function and store its result or error."""
        _running.attempt = self
        try:
            with connect() as connection:
                found = look(connection, *arguments)
        except BaseException as error:  # noqa: BLE001 - wait() raises it
            # An interrupted query raises the same error as a server that has stopped.
            self.outcome.set_exception(NoAnswer() if self._is_late else error)
        else:
            self.outcome.set_result(found)
        finally:
            self._release()

    def wait(self) -> T:
        """Wait for the result; interrupt the attempt at the deadline."""
        try:
            return self.outcome.result(max(0.0, self._deadline - time.monotonic()))
        except TimeoutError:
            if self.outcome.done():
                raise
        self._interrupt()
        raise NoAnswer

    def hold(self, descriptor: int) -> None:
        """Remember the socket of a connection that the attempt uses, to shut it down at the deadline."""
        self._release()
        with self._lock:
            # Duplicate it: the driver may close its descriptor, and another file may get the same number.
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

    def _release(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None
