"""Customers who log in at a fixed rate, in a separate process."""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from multiprocessing import get_context
from typing import Any

from bench.load import connect, is_whole, post_request, receive_some

CONNECTIONS = 100
"""Each sends its next request after the answer, so the rate holds while answers take less than a second."""


@dataclass(frozen=True)
class Logins:
    """What the customers send.

    Attributes:
        port: the server's port on 127.0.0.1.
        bodies: a login of each customer.
        rate: how many logins are sent in a second.
    """

    port: int
    bodies: tuple[bytes, ...]
    rate: int


def login(email: str, password: str) -> bytes:
    """Return the body of a login."""
    return json.dumps({"email": email, "password": password}).encode()


@contextmanager
def logging_in(logins: Logins) -> Iterator[Any]:
    """Send logins during the block; yield a pipe that reports at its end the statuses, and the seconds.

    Raises:
        RuntimeError: the process did not start.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(logins, theirs), daemon=True)
    process.start()
    try:
        if not ours.poll(60) or ours.recv() != "ready":
            raise RuntimeError("The customers could not connect.")
        yield ours
    finally:
        process.kill()
        process.join()


def _run(logins: Logins, pipe: Any) -> None:
    statuses, waiting = Counter[str](), selectors.DefaultSelector()
    idle = deque(_connect(logins.port, number) for number in range(CONNECTIONS))
    for connection in idle:
        waiting.register(connection.socket, selectors.EVENT_READ, connection)
    pipe.send("ready")
    began = time.monotonic()
    for number, body in enumerate(cycle(logins.bodies)):
        due = began + number / logins.rate
        while pause := max(0.0, due - time.monotonic()):
            for key, _ in waiting.select(pause):
                if status := key.data.receive():
                    statuses[status] += 1
                    idle.append(key.data)
        if pipe.poll():
            break
        # Without an idle connection the login is left out, so the rate is lower than wanted, and reported.
        if idle:
            idle.popleft().send(body)
    pipe.send((dict(statuses), time.monotonic() - began))


class Connection:
    """A keep-alive connection of one customer, with an address of its own behind the proxy."""

    def __init__(self, connection: socket.socket, address: str) -> None:
        self.socket = connection
        self._headers = {"X-Forwarded-For": address}
        self._answer = b""

    def send(self, body: bytes) -> None:
        """Send a login."""
        request = post_request("/api/v1/customers/login", body, "application/json", self._headers)
        self.socket.sendall(request)

    def receive(self) -> str | None:
        """Receive data; return the status of a complete response.

        Raises:
            LoadError: the server closed the connection.
        """
        self._answer += receive_some(self.socket)
        if not is_whole(self._answer):
            return None
        status, self._answer = self._answer[9:12].decode(), b""
        return status


def _connect(port: int, number: int) -> Connection:
    return Connection(connect(port), f"192.0.2.{number}")
