"""Slow clients in a separate process: some send part of a body, others receive a response at a low rate."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from multiprocessing import get_context
from typing import Any

SENDERS, LISTENERS = 1000, 500
BYTES_PER_S = 64 * 1024
TICK_S, GROUPS = 0.01, 25
"""In each tick another group of listeners receives data, so that the load resembles independent clients."""


@dataclass(frozen=True)
class Crowd:
    """The slow clients, and their port on 127.0.0.1.

    Attributes:
        port: the port.
        sender: the head of a request, with less of its body than announced.
        listener: a request for a file.
    """

    port: int
    sender: bytes
    listener: bytes


@contextmanager
def slow_clients(crowd: Crowd) -> Iterator[Any]:
    """Connect all slow clients during the block; yield a pipe that reports at its end how many remained.

    Raises:
        RuntimeError: they could not connect.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(crowd, theirs), daemon=True)
    process.start()
    try:
        if not ours.poll(60) or ours.recv() != "ready":
            raise RuntimeError("The slow clients could not connect.")
        yield ours
    finally:
        process.kill()
        process.join()


def _run(crowd: Crowd, pipe: Any) -> None:
    senders = [_connect(crowd.port, crowd.sender) for _ in range(SENDERS)]
    listeners = {_connect(crowd.port, crowd.listener): 0.0 for _ in range(LISTENERS)}
    began = time.monotonic()
    pipe.send("ready")
    groups = cycle([list(listeners)[number::GROUPS] for number in range(GROUPS)])
    while not pipe.poll(TICK_S):
        allowed = (time.monotonic() - began) * BYTES_PER_S
        for listener in next(groups):
            listeners[listener] += _take(listener, int(allowed - listeners[listener]))
    still = selectors.DefaultSelector()
    for sender in senders:
        still.register(sender, selectors.EVENT_READ)
    refused = len(still.select(0))
    rate = sum(listeners.values()) / (time.monotonic() - began) / 1e6
    pipe.send((SENDERS - refused, sum(map(bool, listeners.values())), rate))


def _connect(port: int, request: bytes) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * BYTES_PER_S)
    connection.connect(("127.0.0.1", port))
    connection.sendall(request)
    connection.setblocking(False)
    return connection


def _take(listener: socket.socket, most: int) -> int:
    try:
        return len(listener.recv(most)) if most > 0 else 0
    except BlockingIOError:
        return 0
