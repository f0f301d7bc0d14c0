"""The simulator as a running HTTP server."""

from __future__ import annotations

import threading
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from stripe_simulator.app import Simulator, make_app

SECONDS_BETWEEN_EXPIRIES = 5
THREADS = 16
LARGEST_BODY = 1024 * 1024
MOST_CONNECTIONS = 1000
"""The largest number of open connections. Others wait until an idle one is closed, after two minutes."""


class SimulatorServer:
    """Serves ``simulator`` on ``host`` and ``port`` (0: any free port) from ``start`` until ``close``."""

    def __init__(self, simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> None:
        """Bind the port; raises OSError if it is in use."""
        self.simulator = simulator
        simulator.websocket.host = host
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            make_app(simulator),
            map=self._sockets,
            host=host,
            port=port,
            ipv6=":" in host,
            threads=THREADS,
            max_request_body_size=LARGEST_BODY,
            connection_limit=MOST_CONNECTIONS,
            asyncore_use_poll=True,
        )
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.effective_port}"
        self._stopping = threading.Event()
        self._waking = threading.Lock()
        self._serving = threading.Thread(target=self._server.run, daemon=True)
        self._expiring = threading.Thread(target=self._expire, daemon=True)

    def start(self) -> None:
        """Start the threads that serve, deliver and expire."""
        self.simulator.courier.start()
        self._serving.start()
        self._expiring.start()

    def close(self) -> None:
        """Finish the current requests, then stop. Pending deliveries stay in the ledger, if it is a file."""
        self._stopping.set()
        self.simulator.faults.close()
        self._server.task_dispatcher.shutdown()
        with self._waking:
            self._server.trigger.pull_trigger(self._close_sockets)
        self._serving.join()
        self._expiring.join()
        self.simulator.websocket.close()
        self.simulator.courier.close()
        self.simulator.ledger.close()

    def _close_sockets(self) -> None:
        """End the loop, which runs until it has no socket. Sockets may only be closed in its own thread.

        If another event has woken the loop first, the trigger, which is a socket too, must not be closed
        while it is used.
        """
        with self._waking:
            wasyncore.close_all(self._sockets, ignore_all=True)

    def _expire(self) -> None:
        while not self._stopping.wait(SECONDS_BETWEEN_EXPIRIES):
            self.simulator.checkout.expire_overdue()
