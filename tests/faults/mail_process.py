"""A mail server in a process that can be killed.

It writes the ``Message-ID`` of each mail to the file before it accepts the mail.
"""

import os
import sys
import threading
from pathlib import Path

from demo.mail_server import MailServer


class Recorder(MailServer):
    """Appends to a file what it gets."""

    def __init__(self, port, path):
        super().__init__(port=port)
        self._file = path.open("ab", buffering=0)

    def keep(self, received):
        self._file.write(received.message["Message-ID"].encode() + b"\n")
        os.fsync(self._file.fileno())


def arrived(path):
    """The ``Message-ID`` of each mail that was accepted, as often as it was."""
    return path.read_text().split() if path.exists() else []


def main():
    """Serve, until the process is killed. Its arguments are a port and the file."""
    with Recorder(int(sys.argv[1]), Path(sys.argv[2])):
        threading.Event().wait()
