"""Sends prepared requests over several keep-alive connections at once, with little processor time.

One thread serves all connections, because its processor time is not available to the measured processes.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TIMEOUT_S = 30.0
HOST = "shop.example"


class LoadError(RuntimeError):
    """A request got an unexpected response; the message contains it."""


def post_request(path: str, body: bytes, content_type: str, headers: Mapping[str, str]) -> bytes:
    """Return a complete HTTP/1.1 request.

    Args:
        path: the path.
        body: the body.
        content_type: its media type.
        headers: additional headers.
    """
    every = {"Host": HOST, "Content-Type": content_type, "Content-Length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in {**every, **headers}.items()]
    return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode() + body


def get_request(path: str, headers: Mapping[str, str]) -> bytes:
    """Return a complete HTTP/1.1 request.

    Args:
        path: the path and the query.
        headers: all headers.
    """
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


def send_all(port: int, requests: Sequence[bytes], connections: int, timeout_s: float = TIMEOUT_S) -> float:
    """Send every request once, and wait for its response.

    Args:
        port: the server's port on 127.0.0.1.
        requests: complete HTTP/1.1 requests.
        connections: the number of connections; each sends its next request after a response.

    Returns:
        The seconds from the first request to the last response, without connecting.

    Raises:
        LoadError: a response was neither 2xx nor 304.
    """
    with ExitStack() as stack:
        waiting = stack.enter_context(selectors.DefaultSelector())
        clients = [
            Client(stack.enter_context(connect(port)), iter(requests[number::connections]))
            for number in range(connections)
        ]
        start = time.perf_counter()
        for client in clients:
            if client.send_next():
                waiting.register(client.connection, selectors.EVENT_READ, client)
        while waiting.get_map():
            ready = waiting.select(timeout_s)
            if not ready:
                raise LoadError(f"no answer within {timeout_s:g} s")
            for key, _ in ready:
                if not key.data.receive():
                    waiting.unregister(key.fileobj)
        return time.perf_counter() - start


class Client:
    """One connection, and its remaining requests."""

    def __init__(self, connection: socket.socket, requests: Iterator[bytes]) -> None:
        self.connection = connection
        self._requests = requests
        self._answer = b""

    def send_next(self) -> bool:
        """Send the next request; return whether there was one."""
        request = next(self._requests, None)
        if request is None:
            return False
        self.connection.sendall(request)
        return True

    def receive(self) -> bool:
        """Receive data; send the next request after a complete response.

        Return whether a response is outstanding.
        """
        self._answer += receive_some(self.connection)
        if not is_whole(self._answer):
            return True
        if not self._answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 304")):
            raise LoadError(f"answered {self._answer[:500].decode(errors='replace')!r}")
        self._answer = b""
        return self.send_next()


def receive_some(connection: socket.socket) -> bytes:
    """Receive a part of a response.

    Raises:
        LoadError: the server closed the connection.
    """
    data = connection.recv(65536)
    if not data:
        raise LoadError("the server closed the connection")
    return data


def is_whole(answer: bytes) -> bool:
    """Return whether a response is complete."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = CONTENT_LENGTH.search(answer, 0, end)
    return len(answer) >= end + 4 + (int(length[1]) if length else 0)


def connect(port: int) -> socket.socket:
    """Return a blocking connection to a port on 127.0.0.1.

    Args:
        port: the server's port.
    """
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
