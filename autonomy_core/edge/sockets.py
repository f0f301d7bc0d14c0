"""Socket options and shutdown of connections, for which granian has no interface."""

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
"""Address and port, as granian reports them."""

Peer = tuple[Address, int]

UNSENT_BYTES = 128 * 1024
"""The maximum of unsent data in the kernel's buffer of a connection, in bytes; sent data are not included."""


def set_up_listeners(listener_s: float) -> None:
    """Let the kernel close connections whose other end acknowledges nothing for some time.

    Connections inherit the options from the listening socket. Systems other than Linux may lack them. There,
    a client that reads nothing keeps its connection, but occupies no thread.

    Args:
        listener_s: the time without acknowledgement, or with a closed TCP window, in seconds.
    """
    for listener in _sockets():
        with listener, suppress(OSError, AttributeError):
            if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                continue
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(listener_s * 1000))
            listener.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, UNSENT_BYTES)


class HangUp:
    """Closes connections that were ordered to close but stay open, which granian cannot do.

    hyper keeps waiting for a body that is no longer wanted, so the connection would stay open as long as the
    client likes. All connections to close are searched among the open files together, every `SWEEP_EVERY_S`.
    """

    def __init__(self) -> None:
        self._peers: dict[Client, Peer] = {}

    def on(self, client: Client) -> None:
        """Close a client's connection soon. Ignore port 0: it means that a proxy has the connection."""
        peer = _peer(*client)
        if peer is None or not peer[1]:
            return
        if not self._peers:
            asyncio.get_running_loop().call_later(SWEEP_EVERY_S, self._sweep)
        self._peers[client] = peer

    def not_on(self, client: Client) -> None:
        """Do not close the connection of a new request: it has reused the client's address and port."""
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
    """The process's TCP sockets. Each has a duplicated descriptor, which the caller must close."""
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
        # The descriptor may have become a file meanwhile. Then `socket` fails and leaves the copy open.
        os.close(copied)
        return None
    if found.family in (socket.AF_INET, socket.AF_INET6):
        return found
    found.close()
    return None
