"""``python -IS fork_client.py SOCKET FUNCTION PROGRAM ARGUMENT…``: run a command in a fork, see `forks`."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence


def request(
    server: str,
    function: str,
    arguments: Sequence[str],
    *,
    streams: Sequence[int],
    environment: Mapping[str, str],
    directory: str,
) -> socket.socket:
    """Ask for a fork. The server answers with its process id, and in the end with its exit status.

    Args:
        server: the path of its socket.
        function: the one to call, as in an entry point.
        arguments: of the program, whose name is the first.
        streams: standard input, standard output and standard error.
        environment: all of it.
        directory: the current one.
    """
    values = {
        "function": function,
        "arguments": arguments,
        "environment": {**environment},
        "directory": directory,
    }
    client = socket.socket(socket.AF_UNIX)
    client.connect(server)
    message = json.dumps(values).encode()
    sent = socket.send_fds(client, [message], streams)
    client.sendall(message[sent:])
    client.shutdown(socket.SHUT_WR)
    return client


def main() -> None:
    server, function, *arguments = sys.argv[1:]
    directory = os.getcwd()  # noqa: PTH109 - to import pathlib takes longer than all the rest
    inherited = {"streams": (0, 1, 2), "environment": os.environ, "directory": directory}
    with request(server, function, arguments, **inherited) as client, client.makefile() as told:
        _, status = told
    sys.exit(int(status) if int(status) >= 0 else 128 - int(status))


if __name__ == "__main__":
    main()
