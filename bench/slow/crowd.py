"""Slow clients, in a process of their own: some send a byte of a body, others take an answer at a modest rate."""

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
"""In each tick another group of listeners takes something, as many lines do that know nothing of each other."""


@dataclass(frozen=True)
class Crowd:
    """Who is slow, and at which port of 127.0.0.1.

    Attributes:
        sender: a request's head, and less of its body than that announces.
        listener: a request for a file.
    """

    port: int
    sender: bytes
    listener: bytes


@contextmanager
def slow_clients(crowd: Crowd) -> Iterator[Any]:
    """Have all of them there for the block; gives a pipe that tells at its end how many were left.

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
