"""Many clients in a separate process: some send part of a body, others receive files at a limited rate."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection

TICK_S = 0.01
SLOWEST_TICK_S = 0.25
"""A listener with a low rate receives this often. The listeners do so in turn, like independent clients."""


@dataclass(frozen=True)
class Listeners:
    """Clients that receive a file, again and again.

    Attributes:
        count: how many there are.
        request: the request of each, with ``Connection: close``.
        bytes_per_s: the rate of each.
    """

    count: int
    request: bytes
    bytes_per_s: int


@dataclass(frozen=True)
class Crowd:
    """The clients of a server.

    Attributes:
        port: the server's port on 127.0.0.1.
        listeners: the clients that receive.
        senders: how many clients send a part of a request.
        sent: that part: a head, with less of the body than it announces.
    """

    port: int
    listeners: Sequence[Listeners]
    senders: int = 0
    sent: bytes = b""


@dataclass(frozen=True)
class Outcome:
    """What has become of the clients.

    Attributes:
        senders: how many are still connected.
        listeners: how many have received anything.
        bytes_per_s: what all listeners received in total.
    """

    senders: int
    listeners: int
    bytes_per_s: float


class RunningCrowd:
    """The clients while they are connected."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def outcome(self) -> Outcome:
        """Stop the clients, and return what has become of them."""
        self._pipe.send("enough")
        outcome: Outcome = self._pipe.recv()
        return outcome


@contextmanager
def running_crowd(crowd: Crowd) -> Iterator[RunningCrowd]:
    """Connect all clients, and keep them until the block ends.

    Raises:
        RuntimeError: they could not connect.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(crowd, theirs), daemon=True)
    process.start()
    try:
        if not ours.poll(60) or ours.recv() != "ready":
            raise RuntimeError("The clients could not connect.")
        yield RunningCrowd(ours)
    finally:
        process.kill()
        process.join()


@dataclass
class _Listener:
    """One client that receives.

    Attributes:
        began: since when, by the monotonic clock.
        due: when it receives next.
    """

    port: int
    kind: Listeners
    began: float
    due: float
    connection: socket.socket = field(init=False)
    received: int = 0

    def __post_init__(self) -> None:
        self.connection = _connect(self.port, self.kind.request, self._pause_s * self.kind.bytes_per_s)

    @property
    def _pause_s(self) -> float:
        return min(SLOWEST_TICK_S, max(TICK_S, 65536 / self.kind.bytes_per_s))

    def take(self, now: float, buffer: bytearray) -> None:
        """Receive what the rate allows until now."""
        self.due = now + self._pause_s
        while (most := int((now - self.began) * self.kind.bytes_per_s) - self.received) > 0:
            try:
                taken = self.connection.recv_into(buffer, min(most, len(buffer)))
            except BlockingIOError:
                return
            self.received += taken
            if not taken:
                self.connection.close()
                self.__post_init__()


def _run(crowd: Crowd, pipe: Connection) -> None:
    senders = [_connect(crowd.port, crowd.sent, 65536) for _ in range(crowd.senders)]
    began = time.monotonic()
    listeners = [
        _Listener(crowd.port, kind, began, began + SLOWEST_TICK_S * number / kind.count)
        for kind in crowd.listeners
        for number in range(kind.count)
    ]
    pipe.send("ready")
    buffer = bytearray(1 << 20)
    while not pipe.poll(TICK_S):
        now = time.monotonic()
        for listener in listeners:
            if listener.due <= now:
                listener.take(now, buffer)
    rate = sum(listener.received for listener in listeners) / (time.monotonic() - began)
    still = selectors.DefaultSelector()
    for sender in senders:
        still.register(sender, selectors.EVENT_READ)
    pipe.send(
        Outcome(
            senders=len(senders) - len(still.select(0)),
            listeners=sum(listener.received > 0 for listener in listeners),
            bytes_per_s=rate,
        )
    )


def _connect(port: int, request: bytes, buffered: float) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, max(131_072, int(2 * buffered)))
    connection.connect(("127.0.0.1", port))
    connection.sendall(request)
    connection.setblocking(False)
    return connection
