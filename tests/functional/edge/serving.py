"""Serves the application of the tests behind the edge."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from http.client import HTTPResponse
from pathlib import Path

from tests.faults.installation import TIMEOUT_S, quiet_port, wait_for
from tests.faults.reaper import kill_group

ROOT = Path(__file__).parents[3]


class Trial:
    """A running server.

    Args:
        directory: its own, with its log.
        limits: those of the edge that are not as usual; ``head_s``; ``host``; ``workers``;
            ``proxies`` that are trusted.
    """

    def __init__(self, directory, **limits):
        self.log, port = directory / "log", quiet_port()
        self.address = ("127.0.0.1", port)
        command = [sys.executable, "-c", STARTER, str(ROOT), str(port), json.dumps(limits)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=directory, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self._answers, "the server")

    def _answers(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.ask("GET /refuse")[0] == 401
        except OSError:
            return False

    def connect(self, *lines, body=b"", buffer=None):
        """A connection that has sent this head and so much of a body."""
        connection = socket.socket()
        if buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.settimeout(TIMEOUT_S)
        try:
            connection.connect(self.address)
        except OSError:
            connection.close()
            raise
        head = [f"{lines[0]} HTTP/1.1", "Host: localhost", *lines[1:]]
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        return connection

    def ask(self, *lines, body=b""):
        """Status and body of an answer."""
        with self.connect(*lines, body=body) as connection:
            return read_answer(connection)

    def ask_until(self, status, *lines):
        """The body of the first answer with this status; a busy machine may miss a short deadline before."""
        return wait_for(lambda: (answer := self.ask(*lines))[0] == status and answer, f"a {status}")[1]

    def open(self):
        """The number of open files of the process."""
        return json.loads(self.ask_until(200, "GET /open"))["files"]

    def takes_no_more(self):
        """Whether nothing can connect."""
        try:
            socket.create_connection(self.address).close()
        except ConnectionRefusedError:
            return True
        return False

    def stop(self):
        kill_group(self.process.pid)
        self.process.wait()


STARTER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from tests.functional.edge import trial
trial.main(sys.argv[2], **json.loads(sys.argv[3]))
"""


def read_answer(connection, method="GET"):
    with HTTPResponse(connection, method=method) as answer:
        answer.begin()
        return answer.status, answer.read()
