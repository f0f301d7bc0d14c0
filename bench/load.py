"""Sends prepared requests over several keep-alive connections at once, and does as little as possible itself."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Mapping, Sequence

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
    sockets = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) for _ in range(connections)]
    failures: list[Exception] = []
    shares = [requests[number::connections] for number in range(connections)]
    threads = [
        threading.Thread(target=_send, args=(connection, share, failures))
        for connection, share in zip(sockets, shares, strict=True)
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    for connection in sockets:
        connection.close()
    if failures:
        raise LoadError(str(failures[0])) from failures[0]
    return seconds


def _send(connection: socket.socket, requests: Sequence[bytes], failures: list[Exception]) -> None:
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            if failures:
                return
            connection.sendall(request)
            _check(_answer(connection))
    except Exception as error:  # noqa: BLE001 - raised again by whoever waits for this thread
        failures.append(error)


def _check(answer: bytes) -> None:
    if not answer.startswith(b"HTTP/1.1 2"):
        raise LoadError(f"answered {answer[:500].decode(errors='replace')!r}")


def _answer(connection: socket.socket) -> bytes:
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += _receive(connection)
    length = CONTENT_LENGTH.search(data, 0, end)
    whole = end + 4 + (int(length[1]) if length else 0)
    while len(data) < whole:
        data += _receive(connection)
    return data


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise LoadError("the server closed the connection")
    return data
