"""Connections of ``stripe listen``: each receives every event of its account, and reports the results.

A listener is like a webhook endpoint that exists while it is connected. As at Stripe, an event is sent to it
once and is not retried, except by ``stripe events resend``. Source: https://github.com/stripe/stripe-cli.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from stripe_simulator.identifiers import derived_id, new_id
from stripe_simulator.signing import signed


class Connection(Protocol):
    """The channel for messages to a listener."""

    def send(self, message: str) -> bool:
        """Send ``message``; return whether the connection is open."""


@dataclass(frozen=True)
class Listener:
    """A ``stripe listen`` client: its account, and the URL that it forwards events to, if any."""

    account: str
    device: str
    url: str

    @property
    def id(self) -> str:
        """The id in its deliveries, a function of account, device and URL."""
        return derived_id("cli", self.account, self.device, self.url)

    @property
    def secret(self) -> str:
        """The secret that signs its events.

        An account's secret is constant, so that it can be put into an ini file.
        """
        return derived_id("whsec", self.account, "stripe listen")


@dataclass
class ListenerConnection:
    """A connection, and the ids of its deliveries without a result."""

    connection: Connection
    unanswered: set[str] = field(default_factory=set)


class ListenerConnections:
    """The registered listeners, and the connected ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._invited: dict[str, Listener] = {}
        self._connections: dict[Listener, ListenerConnection] = {}

    def invite(self, account: str, device: str, url: str) -> tuple[str, Listener]:
        """Register a listener; return the secret id of its connection, and the listener."""
        identifier, listener = new_id("cliws"), Listener(account, device, url)
        with self._lock:
            self._invited[identifier] = listener
        return identifier, listener

    def invited(self, identifier: str) -> Listener | None:
        """Return the listener of a connection's secret id, or None."""
        return self._invited.get(identifier)

    @contextmanager
    def connected(self, listener: Listener, connection: ListenerConnection) -> Iterator[None]:
        """Send the listener's events through ``connection`` during the block.

        A newer connection replaces it.
        """
        with self._lock:
            self._connections[listener] = connection
        try:
            yield
        finally:
            with self._lock:
                if self._connections.get(listener) is connection:
                    del self._connections[listener]

    def of(self, account: str) -> list[Listener]:
        """Return the connected listeners of ``account``."""
        with self._lock:
            return [listener for listener in self._connections if listener.account == account]

    def find(self, identifier: str) -> Listener | None:
        """Return the connected listener with that ``id``, or None."""
        with self._lock:
            return next((listener for listener in self._connections if listener.id == identifier), None)

    def forward(self, listener: Listener, delivery: str, event: dict[str, Any]) -> bool:
        """Send ``event`` as the delivery with the id ``delivery``.

        Return whether the listener is connected.
        """
        with self._lock:
            connected = self._connections.get(listener)
        if connected is None:
            return False
        connected.unanswered.add(delivery)
        if connected.connection.send(_message(listener, delivery, event)):
            return True
        connected.unanswered.discard(delivery)
        return False


def _message(listener: Listener, delivery: str, event: dict[str, Any]) -> str:
    payload, headers = signed(event, listener.secret)
    return json.dumps(
        {
            "type": "webhook_event",
            # The account's default version. Only a client that was started for the latest accepts others.
            "endpoint": {"api_version": None},
            "event_payload": payload,
            "http_headers": headers,
            "webhook_conversation_id": delivery,
            "webhook_id": listener.id,
        }
    )
