"""A server that takes connections and does not answer."""

from __future__ import annotations

import socket
import threading


class Silent:
    """A server that takes connections, sends the given bytes, and then nothing."""

    def __init__(self, says: bytes = b"") -> None:
        self.connections = 0
        self._says, self._kept = says, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._kept.append(connection)
            connection.recv(65536)
            connection.sendall(self._says)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for connection in self._kept:
            connection.close()
