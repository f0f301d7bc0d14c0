"""A port that refuses connections, whatever else runs on the machine: it is taken, and its owner does not listen."""

import atexit
import socket

_TAKEN = socket.socket()
_TAKEN.bind(("127.0.0.1", 0))
atexit.register(_TAKEN.close)

REFUSING = f"127.0.0.1:{_TAKEN.getsockname()[1]}"
