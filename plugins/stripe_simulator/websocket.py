"""The websocket for ``stripe listen``, on a separate port.

The HTTP server does not support websockets. The port is opened on first use. The module needs the package
``websockets``, which no other module here needs.
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
from stripe_simulator.listeners import ListenerConnection, ListenerConnections

if TYPE_CHECKING:
    from websockets.http11 import Request, Response
    from websockets.sync.server import Server, ServerConnection

log = logging.getLogger(__name__)

SUBPROTOCOL = "stripecli-devproxy-v1"
UNKNOWN = {"error": {"message": "Unknown WebSocket ID."}}
"""The response that makes the client request a new id, after a restart of the simulator."""

Answered = Callable[..., None]


class ClientMessage(Schema):
    """A message of the client. For acknowledgements only the type is used."""

    type = fields.String(required=True)
    delivery = fields.String(data_key="webhook_conversation_id", load_default="")
    status = fields.Integer(strict=True, load_default=0)

    class Meta:
        unknown = EXCLUDE


class WebSocket:
    """Connects ``listeners``, and passes their endpoints' results to ``answered``."""

    def __init__(self, listeners: ListenerConnections, answered: Answered, host: str = "127.0.0.1") -> None:
        self.host = host
        self._listeners = listeners
        self._answered = answered
        self._server: Server | None = None
        self._serving: threading.Thread | None = None
        self._lock = threading.Lock()

    def url(self, host: str) -> str:
        """Return the address for clients that reach this machine as ``host``, and listen there.

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
        """Close all connections, and wait until they are closed."""
        with self._lock:
            if self._server and self._serving:
                self._server.shutdown()
                self._serving.join()

    def _open(self) -> Server:
        try:
            # An optional dependency, which only `stripe listen` needs.
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
        """Refuse a connection without a registered id."""
        if self._listeners.invited(_identifier(request)):
            return None
        return connection.respond(HTTPStatus.NOT_FOUND, json.dumps(UNKNOWN))

    def _serve(self, connection: ServerConnection) -> None:
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 - an optional dependency

        listener = self._listeners.invited(_identifier(connection.request))
        if listener is None:
            return
        connected = ListenerConnection(_Sender(connection, ConnectionClosed))
        with self._listeners.connected(listener, connected), suppress(ConnectionClosed):
            for message in connection:
                self._receive(connected, message)
        for delivery in tuple(connected.unanswered):
            self._answered(delivery, status=None, error="the listener disconnected without an answer")

    def _receive(self, connected: ListenerConnection, message: str | bytes) -> None:
        """Record an endpoint's result. The client's acknowledgement of an event is no result yet."""
        try:
            received = ClientMessage().loads(message)
        except (ValueError, ValidationError):
            log.warning("A listener sent an invalid message: %.200r", message)
            return
        if received["type"] == "webhook_response" and received["delivery"] in connected.unanswered:
            connected.unanswered.discard(received["delivery"])
            self._answered(received["delivery"], status=received["status"], error=None)


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
