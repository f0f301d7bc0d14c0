"""A port that refuses connections: it is bound for the whole run, and nothing listens on it."""

import atexit
import socket

_TAKEN = socket.socket()
_TAKEN.bind(("127.0.0.1", 0))
atexit.register(_TAKEN.close)

REFUSING = f"127.0.0.1:{_TAKEN.getsockname()[1]}"
