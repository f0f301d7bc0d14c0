"""What the kernel is told of the connections: granian makes them, and has no setting for it."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from autonomy_core.addresses import Address, address_of

SWEEP_EVERY_S = 2.0

Client = tuple[str, str | int]
"""Address and port, as granian tells them."""

Peer = tuple[Address, int]

UNSENT_BYTES = 128 * 1024
"""How much of an answer waits in the kernel to be sent; what is on its way counts extra."""


def set_up_listeners(listener_s: float) -> None:
    """Have every connection that is accepted from now on be ended when the other end takes nothing for so long.

    Connections inherit both options from the socket that listens. Systems other than Linux may lack them: there, who
    takes nothing keeps a connection, and no thread.

    Args:
        listener_s: seconds in which nothing that was sent is acknowledged, or the other end's window stays closed.
    """
    for listener in _sockets():
        with listener, suppress(OSError, AttributeError):
            if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                continue
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(listener_s * 1000))
            listener.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, UNSENT_BYTES)


class HangUp:
    """Ends connections whose clients have been told that they end, and stay: granian has no call for it.

    hyper does not notice that a body which it waits for is wanted no more, so such a connection would stay open for as
    long as its client likes. They are looked for among the open files, all of them once in a while.
    """

    def __init__(self) -> None:
        self._peers: dict[Client, Peer] = {}

    def on(self, client: Client) -> None:
        """End the connection from this address and port soon. Port 0, a proxy's client, is the proxy's to end."""
        peer = _peer(*client)
        if peer is None or not peer[1]:
            return
        if not self._peers:
            asyncio.get_running_loop().call_later(SWEEP_EVERY_S, self._sweep)
        self._peers[client] = peer

    def not_on(self, client: Client) -> None:
        """Leave a client alone that asks again: it has left, and its address and port are another connection's."""
        self._peers.pop(client, None)

    def _sweep(self) -> None:
        peers, self._peers = set(self._peers.values()), {}
        asyncio.get_running_loop().run_in_executor(None, _shut_down, peers)


def _shut_down(peers: set[Peer]) -> None:
    for connection in _sockets():
        with connection, suppress(OSError):
            if _peer(*connection.getpeername()[:2]) in peers:
                connection.shutdown(socket.SHUT_RDWR)


def _peer(host: str, port: str | int) -> Peer | None:
    address = address_of(host)
    return None if address is None else (address, int(port))


_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25)


def _sockets() -> Iterator[socket.socket]:
    """The process's TCP sockets, each by a descriptor of its own, which whoever takes it closes."""
    for entry in list(Path("/dev/fd").iterdir()):
        with suppress(OSError):
            if (found := _socket(int(entry.name))) is not None:
                yield found


def _socket(descriptor: int) -> socket.socket | None:
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return None
    copied = os.dup(descriptor)
    try:
        found = socket.socket(fileno=copied)
    except OSError:
        # Between the two calls the descriptor may have become a file's, which `socket` refuses and leaves open.
        os.close(copied)
        return None
    if found.family in (socket.AF_INET, socket.AF_INET6):
        return found
    found.close()
    return None
