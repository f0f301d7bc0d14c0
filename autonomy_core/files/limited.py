"""Calls a function with an uploaded file in a child process with limits.

An uploaded file may be an attack on the code that parses it. The process that starts the child never parses
the file. The child has none of the server's secrets: its environment is empty.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

Limit = Literal["memory", "processor time", "time"]

_SIGNALS: Final[dict[int, Limit]] = {-signal.SIGKILL: "memory", -signal.SIGXCPU: "processor time"}
_PIECE_BYTES: Final = 64 * 1024
_MESSAGE_BYTES: Final = 4096
_MESSAGE_LENGTH: Final = 300


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child process may use.

    Attributes:
        cpu_s: processor time, in seconds.
        memory_bytes: the address space; Python itself needs about 40 MB of it.
        wall_s: time by the clock, in seconds.
        output_bytes: the size of the answer, as JSON.
    """

    cpu_s: int = 60
    memory_bytes: int = 400 * 1024 * 1024
    wall_s: float = 90.0
    output_bytes: int = 1024 * 1024


class LimitReached(Exception):
    """The function needed more than its limits.

    Attributes:
        limit: the one that it reached: ``memory``, ``processor time`` or ``time``.
    """

    def __init__(self, limit: Limit) -> None:
        super().__init__(f"reached its limit of {limit}")
        self.limit = limit


class ChildFailed(Exception):
    """The child ended without an answer: the function raised, crashed, or returned what is not JSON.

    The text completes a sentence for the log: "ended with 1: ValueError: …".
    """


def run_limited(function: str, path: Path, limits: Limits) -> Any:
    """Call a function with a file, in a child process of its own, which starts in about 40 ms.

    Args:
        function: ``package.module:function`` of an installed package; it takes the file's `Path`. What its
            module imports counts towards the limits and delays the answer, so keep that small.
        path: the file, which the child can only read.

    Returns:
        What the function returned: what JSON can express.

    Raises:
        LimitReached, ChildFailed
        OSError: no process can be started.
    """
    arguments = [function, path.resolve(), limits.cpu_s, limits.memory_bytes]
    command = [sys.executable, "-I", "-B", "-m", "autonomy_core.files.limited_child", *map(str, arguments)]
    deadline = time.monotonic() + limits.wall_s
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}
    ) as child:
        try:
            output, messages = _outputs(child, deadline, limits.output_bytes)
            status = child.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            raise LimitReached("time") from None
        finally:
            child.kill()  # does nothing to a child that has ended
    return _answer(status, output, messages)


def _outputs(child: subprocess.Popen[bytes], deadline: float, output_bytes: int) -> tuple[bytes, bytes]:
    """The child's standard output, and the end of its standard error."""
    output, messages = bytearray(), bytearray()
    with selectors.DefaultSelector() as pipes:
        for pipe, target in ((child.stdout, output), (child.stderr, messages)):
            assert pipe is not None  # noqa: S101 - for the type checker
            pipes.register(pipe, selectors.EVENT_READ, target)
        while pipes.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise LimitReached("time")
            for key, _ in pipes.select(left):
                piece = os.read(key.fd, _PIECE_BYTES)
                if not piece:
                    pipes.unregister(key.fileobj)
                key.data.extend(piece)
            if len(output) > output_bytes:
                raise ChildFailed(f"answered with more than {output_bytes} bytes")
            del messages[:-_MESSAGE_BYTES]
    return bytes(output), bytes(messages)


def _answer(status: int, output: bytes, messages: bytes) -> Any:
    if status in _SIGNALS:
        raise LimitReached(_SIGNALS[status])
    if status != 0:
        raise ChildFailed(f"ended with {status}: {_last_line(messages)}")
    try:
        document = json.loads(output)
        if "limit" in document:
            raise LimitReached(document["limit"])
        return document["answer"]
    except (ValueError, TypeError, KeyError) as error:
        raise ChildFailed("gave no answer") from error


def _last_line(messages: bytes) -> str:
    lines = messages.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:_MESSAGE_LENGTH] if lines else "no message"
