"""A client that requests the catalogue, and clients that download a file."""

from __future__ import annotations

import selectors
import time
from contextlib import ExitStack
from http.client import HTTPConnection

from bench.load import connect
from bench.server import ServerError


def latencies(port: int, path: str, headers: dict[str, str], seconds: float) -> list[float]:
    """Return the latencies of requests in milliseconds, over one connection, at most fifty per second.

    Raises:
        ServerError: a response was not 200.
    """
    found = []
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise ServerError(f"{path} was answered {answer.status}.")
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(0.02)
    connection.close()
    return found


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    return sorted(values)[int(len(values) * share)]


def download(port: int, request: bytes, size: int, clients: int = 1) -> float:
    """Return the rate at which some clients together download a file, in megabytes per second.

    Args:
        port: the server's port on 127.0.0.1.
        request: a whole request, with ``Connection: close``.
        size: the bytes of the file.
        clients: how many clients each download it once, at the same time.

    Raises:
        ServerError: a file arrived in part only.
    """
    buffer = bytearray(1 << 20)
    with ExitStack() as stack, selectors.DefaultSelector() as waiting:
        connections = [stack.enter_context(connect(port)) for _ in range(clients)]
        received = dict.fromkeys(connections, 0)
        began = time.perf_counter()
        for connection in connections:
            connection.sendall(request)
            waiting.register(connection, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select():
                taken = key.fileobj.recv_into(buffer)
                received[key.fileobj] += taken
                if not taken:
                    waiting.unregister(key.fileobj)
        seconds = time.perf_counter() - began
    if (least := min(received.values())) < size:
        raise ServerError(f"{least} of {size} bytes arrived.")
    return clients * size / seconds / 1e6
