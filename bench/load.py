"""Sends prepared requests over several keep-alive connections at once, and does as little as possible itself.

One thread for all of them: what it takes of the processor is taken from who is measured.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
PATIENCE_S = 30.0
HOST = "shop.example"


class LoadError(RuntimeError):
    """A request was not answered as it should be; the message has the answer."""


def post_request(path: str, body: bytes, content_type: str, headers: Mapping[str, str]) -> bytes:
    """A whole HTTP/1.1 request.

    Args:
        headers: more than those that every one has.
    """
    every = {"Host": HOST, "Content-Type": content_type, "Content-Length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in {**every, **headers}.items()]
    return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode() + body


def post_all(port: int, requests: Sequence[bytes], connections: int) -> float:
    """Send every request once and wait for its answer.

    Args:
        port: of the server, on 127.0.0.1.
        requests: whole HTTP/1.1 requests.
        connections: how many at once; each sends its next request when the last one is answered.

    Returns:
        The seconds from the first request to the last answer; connecting is not counted.

    Raises:
        LoadError: something else than a 2xx was answered.
    """
    with ExitStack() as stack:
        waiting = stack.enter_context(selectors.DefaultSelector())
        clients = [
            Client(stack.enter_context(_connect(port)), iter(requests[number::connections]))
            for number in range(connections)
        ]
        start = time.perf_counter()
        for client in clients:
            if client.send_next():
                waiting.register(client.connection, selectors.EVENT_READ, client)
        while waiting.get_map():
            ready = waiting.select(PATIENCE_S)
            if not ready:
                raise LoadError(f"no answer within {PATIENCE_S:g} s")
            for key, _ in ready:
                if not key.data.goes_on():
                    waiting.unregister(key.fileobj)
        return time.perf_counter() - start


class Client:
    """One connection, and what is still to be sent on it."""

    def __init__(self, connection: socket.socket, requests: Iterator[bytes]) -> None:
        self.connection = connection
        self._requests = requests
        self._answer = b""

    def send_next(self) -> bool:
        """Send the next request; whether there was one."""
        request = next(self._requests, None)
        if request is None:
            return False
        self.connection.sendall(request)
        return True

    def goes_on(self) -> bool:
        """Take what has come, and send the next request if that is a whole answer; whether one is still waited for."""
        data = self.connection.recv(65536)
        if not data:
            raise LoadError("the server closed the connection")
        self._answer += data
        if not _is_whole(self._answer):
            return True
        if not self._answer.startswith(b"HTTP/1.1 2"):
            raise LoadError(f"answered {self._answer[:500].decode(errors='replace')!r}")
        self._answer = b""
        return self.send_next()


def _is_whole(answer: bytes) -> bool:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = CONTENT_LENGTH.search(answer, 0, end)
    return len(answer) >= end + 4 + (int(length[1]) if length else 0)


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
