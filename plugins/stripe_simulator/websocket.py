"""The websocket that ``stripe listen`` connects to, on a port of its own: the HTTP server cannot speak it.

It is opened when first asked for, and needs the package ``websockets``, which nothing else here does.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from stripe_simulator.errors import StripeError
from stripe_simulator.listeners import Line, Listeners

if TYPE_CHECKING:
    from websockets.http11 import Request, Response
    from websockets.sync.server import Server, ServerConnection

log = logging.getLogger(__name__)

SUBPROTOCOL = "stripecli-devproxy-v1"
UNKNOWN = {"error": {"message": "Unknown WebSocket ID."}}
"""What makes the client ask for a new id, after the simulator was started anew."""

Answered = Callable[..., None]


class Heard(Schema):
    """A message of the client. Of those that acknowledge an event, only the type is of interest."""

    type = fields.String(required=True)
    delivery = fields.String(data_key="webhook_conversation_id", load_default="")
    status = fields.Integer(strict=True, load_default=0)

    class Meta:
        unknown = EXCLUDE


class WebSocket:
    """Connects ``listeners``, and tells ``answered`` what their endpoints answered."""

    def __init__(self, listeners: Listeners, answered: Answered, host: str = "127.0.0.1") -> None:
        self.host = host
        self._listeners = listeners
        self._answered = answered
        self._server: Server | None = None
        self._serving: threading.Thread | None = None
        self._lock = threading.Lock()

    def url(self, host: str) -> str:
        """Return the address for those who reach this machine as ``host``; listen there from now on.

        Raises StripeError if the package ``websockets`` is missing.
        """
        with self._lock:
            if self._server is None:
                self._server = self._open()
                self._serving = threading.Thread(target=self._server.serve_forever, daemon=True)
                self._serving.start()
        port = self._server.socket.getsockname()[1]
        return f"ws://{f'[{host}]' if ':' in host else host}:{port}/"

    def close(self) -> None:
        """Hang up, and wait until everybody has."""
        with self._lock:
            if self._server and self._serving:
                self._server.shutdown()
                self._serving.join()

    def _open(self) -> Server:
        try:
            # An extra: only who listens needs it.
            from websockets.sync.server import serve  # noqa: PLC0415 - an optional dependency
        except ModuleNotFoundError:
            raise StripeError(
                "stripe listen needs a package: pip install 'autonomy-server[simulator]'"
            ) from None
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        return serve(
            self._serve,
            sock=socket.create_server((self.host, 0), family=family),
            subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
            process_request=self._recognise,
            compression=None,
            close_timeout=1,
        )

    def _recognise(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse a connection that nobody has asked for."""
        if self._listeners.invited(_identifier(request)):
            return None
        return connection.respond(HTTPStatus.NOT_FOUND, json.dumps(UNKNOWN))

    def _serve(self, connection: ServerConnection) -> None:
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 - an optional dependency

        listener = self._listeners.invited(_identifier(connection.request))
        if listener is None:
            return
        line = Line(_Sender(connection, ConnectionClosed))
        with self._listeners.connected(listener, line), suppress(ConnectionClosed):
            for message in connection:
                self._hear(line, message)
        for delivery in tuple(line.unanswered):
            self._answered(delivery, status=None, error="the listener hung up without an answer")

    def _hear(self, line: Line, message: str | bytes) -> None:
        """Take note of what an endpoint answered; that an event has arrived at the client says nothing yet."""
        try:
            heard = Heard().loads(message)
        except (ValueError, ValidationError):
            log.warning("A listener sent what is no message: %.200r", message)
            return
        if heard["type"] == "webhook_response" and heard["delivery"] in line.unanswered:
            line.unanswered.discard(heard["delivery"])
            self._answered(heard["delivery"], status=heard["status"], error=None)


class _Sender:
    """Sends through a connection that may be closed."""

    def __init__(self, connection: ServerConnection, closed: type[Exception]) -> None:
        self._connection = connection
        self._closed = closed

    def send(self, message: str) -> bool:
        """Send ``message``; return whether the connection is open."""
        try:
            self._connection.send(message)
        except self._closed:
            return False
        return True


def _identifier(request: Request | None) -> str:
    values = request.headers.get_all("Websocket-Id") if request else []
    return values[0] if values else ""
