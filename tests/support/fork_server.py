"""``python -m tests.support.fork_server``: the process of which `forks` are.

Its argument is the number of an inherited socket, at which clients connect. A client sends what
`fork_client.request` does. It gets two lines: the process id of its fork, and in the end the exit status,
negative for a signal. At the end of its standard input the server kills all forks and ends.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import warnings
from contextlib import suppress
from typing import Any, NoReturn

from autonomy_core.cli.commands import COMMANDS, GC_THRESHOLD

MODULES = (
    "autonomy_core.app",
    "autonomy_core.cli.explaining",
    "autonomy_core.cli.loading",
    "stripe_simulator.command",
    *(path.partition(":")[0] for path, _ in COMMANDS.values()),
)
STREAMS = (("stdin", "r", "strict"), ("stdout", "w", "strict"), ("stderr", "w", "backslashreplace"))


class ForkServer:
    """Forks on request, and tells how each fork ends.

    Args:
        listener: the socket at which clients connect.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._clients: dict[int, socket.socket] = {}
        self._woken, self._wake = socket.socketpair()
        self._selector = selectors.DefaultSelector()

    def run(self) -> dict[str, Any]:
        """Serve clients for ever. In a fork this returns its request."""
        for end in (self._woken, self._wake):
            end.setblocking(False)
        for source in (self._woken, self._listener, sys.stdin):
            self._selector.register(source, selectors.EVENT_READ)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake.fileno())
        while True:
            ready = [key.fileobj for key, _ in self._selector.select()]
            if self._woken in ready:
                self._woken.recv(4096)
                self._tell_statuses()
            if sys.stdin in ready:
                self._end()
            if self._listener in ready and (request := self._fork()) is not None:
                return request

    def _fork(self) -> dict[str, Any] | None:
        client, _ = self._listener.accept()
        begin, streams, _, _ = socket.recv_fds(client, 65536, len(STREAMS))
        request = b"".join([begin, *iter(lambda: client.recv(65536), b"")])
        pid = os.fork()
        if pid == 0:
            self._leave(client, streams)
            return json.loads(request)  # type: ignore[no-any-return]
        for stream in streams:
            os.close(stream)
        self._clients[pid] = client
        client.sendall(f"{pid}\n".encode())
        return None

    def _leave(self, client: socket.socket, streams: list[int]) -> None:
        """Give up in a fork what belongs to the server, and take the streams of the client."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for each in (
            self._selector,
            self._listener,
            self._woken,
            self._wake,
            client,
            *self._clients.values(),
        ):
            each.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)

    def _tell_statuses(self) -> None:
        while self._clients:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            with self._clients.pop(pid) as client, suppress(OSError):  # the client has gone
                client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())

    def _end(self) -> NoReturn:
        for pid in self._clients:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        os._exit(0)


def import_all() -> None:
    """Import all that the commands do."""
    from autonomy_core.kernel.manager import Plugins

    # Pyramid 2.1 imports pkg_resources.
    warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
    for module in MODULES:
        importlib.import_module(module)
    Plugins.from_entry_points()
    # Otherwise a fork copies the memory of every object, when its collector looks at it.
    gc.collect()
    gc.freeze()


def execute(request: dict[str, Any]) -> None:
    """Call the function of a request, as its program does."""
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["arguments"]
    for number, (name, mode, errors) in enumerate(STREAMS):
        stream = open(number, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115 - it stays
        setattr(sys, name, stream)
    module, _, function = request["function"].partition(":")
    getattr(importlib.import_module(module), function)()


def main() -> None:
    gc.set_threshold(GC_THRESHOLD)
    listener = socket.socket(fileno=int(sys.argv[1]))
    import_all()
    execute(ForkServer(listener).run())


if __name__ == "__main__":
    main()
