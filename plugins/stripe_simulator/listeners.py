"""Who listens: each ``stripe listen`` that is connected gets every event of its account, and says how it was answered.

A listener is like a webhook endpoint that is there as long as it is connected. As at Stripe, an event is sent to it
once: it is not tried again, except by ``stripe events resend``. Source: https://github.com/stripe/stripe-cli.
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
    """What messages are sent through."""

    def send(self, message: str) -> bool:
        """Send ``message``; return whether the other side is still there."""


@dataclass(frozen=True)
class Listener:
    """A ``stripe listen``: whose events it wants, and the address that it forwards them to, if any."""

    account: str
    device: str
    url: str

    @property
    def id(self) -> str:
        """The id by which deliveries name it: the same whenever it forwards to the same address."""
        return derived_id("cli", self.account, self.device, self.url)

    @property
    def secret(self) -> str:
        """The secret that its events are signed with: an account's is always the same, so that it can be written down."""
        return derived_id("whsec", self.account, "stripe listen")


@dataclass
class Line:
    """A connection, and the ids of the deliveries that have not been answered through it."""

    connection: Connection
    unanswered: set[str] = field(default_factory=set)


class Listeners:
    """Those who may listen, because they have asked to, and those who do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._invited: dict[str, Listener] = {}
        self._lines: dict[Listener, Line] = {}

    def invite(self, account: str, device: str, url: str) -> tuple[str, Listener]:
        """Return a listener, and the secret id by which its connection is to be recognised."""
        identifier, listener = new_id("cliws"), Listener(account, device, url)
        with self._lock:
            self._invited[identifier] = listener
        return identifier, listener

    def invited(self, identifier: str) -> Listener | None:
        """Return the listener whose connection is recognised by ``identifier``, or None."""
        return self._invited.get(identifier)

    @contextmanager
    def connected(self, listener: Listener, line: Line) -> Iterator[None]:
        """Send the listener's events through ``line`` meanwhile. A second connection takes over from the first."""
        with self._lock:
            self._lines[listener] = line
        try:
            yield
        finally:
            with self._lock:
                if self._lines.get(listener) is line:
                    del self._lines[listener]

    def of(self, account: str) -> list[Listener]:
        """Return those who listen to the events of ``account``."""
        with self._lock:
            return [listener for listener in self._lines if listener.account == account]

    def find(self, identifier: str) -> Listener | None:
        """Return the connected listener with that ``id``, or None."""
        with self._lock:
            return next((listener for listener in self._lines if listener.id == identifier), None)

    def forward(self, listener: Listener, delivery: str, event: dict[str, Any]) -> bool:
        """Send ``event`` to be forwarded, as the ``delivery`` of that id; return whether the listener is there."""
        with self._lock:
            line = self._lines.get(listener)
        if line is None:
            return False
        line.unanswered.add(delivery)
        if line.connection.send(_message(listener, delivery, event)):
            return True
        line.unanswered.discard(delivery)
        return False


def _message(listener: Listener, delivery: str, event: dict[str, Any]) -> str:
    payload, headers = signed(event, listener.secret)
    return json.dumps(
        {
            "type": "webhook_event",
            # Of the account's default version; the client ignores others, unless it was started for the latest one.
            "endpoint": {"api_version": None},
            "event_payload": payload,
            "http_headers": headers,
            "webhook_conversation_id": delivery,
            "webhook_id": listener.id,
        }
    )
