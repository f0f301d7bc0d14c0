"""Finds ffmpeg, and runs it as a limited process of its own.

ffmpeg reads files of users, so it may be attacked by them. It runs with limits of memory, processor time,
time and file size, without an environment, and opens files only. The builds of the package
``imageio-ffmpeg`` are under the GPL: therefore, the server only executes them.

This module imports the standard library only: the limited child of an inspection imports it too.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Final

SYSTEM_PATH: Final = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin"
INSTALL: Final = (
    "install the system's package ffmpeg, or this server's extra: pip install 'autonomy-server[formats]'"
)
"""The remedy where ffmpeg is missing."""

_PACKAGE: Final = "imageio_ffmpeg"
_QUIET: Final = ("-nostdin", "-hide_banner", "-loglevel", "error", "-filter_threads", "1", "-threads", "1")
_ENVIRONMENT: Final = {"MALLOC_ARENA_MAX": "1"}
"""glibc reserves 64 MiB of address space for each thread otherwise, which the limit counts."""
_FILES_ONLY: Final = ("-protocol_whitelist", "file")
_LIMITS: Final = {
    -signal.SIGKILL: "memory",
    256 - errno.EAGAIN: "memory",  # no memory for the stack of a thread
    256 - errno.ENOMEM: "memory",
    -signal.SIGXCPU: "processor time",
    -signal.SIGXFSZ: "file size",
    256 - errno.EFBIG: "file size",
}
"""By the status with which ffmpeg ends."""
_PIECE_BYTES: Final = 256 * 1024
_MESSAGE_BYTES: Final = 4096
_MESSAGE_LENGTH: Final = 300


@dataclass(frozen=True, slots=True)
class FfmpegLimits:
    """What a run of ffmpeg may use.

    Attributes:
        cpu_s: processor time, in seconds.
        memory_bytes: the address space; an idle ffmpeg needs about 200 MB of it.
        wall_s: time by the clock, in seconds.
        file_bytes: the size of the written file; 0 allows a pipe only.
    """

    cpu_s: int = 600
    memory_bytes: int = 1024 * 1024 * 1024
    wall_s: float = 1200.0
    file_bytes: int = 0


class FfmpegMissing(Exception):
    """There is no ffmpeg on this machine; `INSTALL` is the remedy."""


class FfmpegFailed(Exception):
    """ffmpeg has rejected the file or the options. The text is the end of its message."""


class FfmpegLimitReached(FfmpegFailed):
    """ffmpeg needed more than its limits.

    Attributes:
        limit: the one that it reached: ``memory``, ``processor time``, ``file size`` or ``time``.
    """

    def __init__(self, limit: str) -> None:
        super().__init__(f"it reached its limit of {limit}")
        self.limit = limit


@cache
def find_ffmpeg() -> Path | None:
    """The program: the system's, else that of the package ``imageio-ffmpeg``; None if there is neither."""
    system = shutil.which("ffmpeg", path=SYSTEM_PATH)
    if system is not None:
        return Path(system)
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or package.origin is None:
        return None
    binaries = sorted((Path(package.origin).parent / "binaries").glob("ffmpeg-*"))
    return next((path for path in binaries if os.access(path, os.X_OK)), None)


@cache
def encoders() -> frozenset[str]:
    """The names of the encoders that ffmpeg has; empty if there is no ffmpeg."""
    program = find_ffmpeg()
    if program is None:
        return frozenset()
    listed = subprocess.run(
        [program, "-hide_banner", "-encoders"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={},
    )
    rows = (line.split() for line in listed.stdout.partition("------")[2].splitlines())
    return frozenset(row[1] for row in rows if len(row) > 1)


def run_ffmpeg(arguments: Sequence[str], limits: FfmpegLimits) -> None:
    """Run ffmpeg until it has written its file.

    Args:
        arguments: as ffmpeg takes them; `input_arguments` makes those of an input.
        limits: of the process.

    Raises:
        FfmpegMissing, FfmpegFailed, FfmpegLimitReached
    """
    with _running(arguments, limits, subprocess.DEVNULL) as (process, _):
        try:
            process.wait(limits.wall_s)
        except subprocess.TimeoutExpired:
            raise FfmpegLimitReached("time") from None


def stream_ffmpeg(arguments: Sequence[str], limits: FfmpegLimits) -> Iterator[bytes]:
    """Run ffmpeg, and yield what it writes to its standard output, in pieces.

    Args:
        arguments: as ffmpeg takes them; the last one is ``pipe:1``.
        limits: of the process; the caller's own limit of time ends a reader that waits.

    Raises:
        FfmpegMissing, FfmpegFailed, FfmpegLimitReached
    """
    deadline = time.monotonic() + limits.wall_s
    with _running(arguments, limits, subprocess.PIPE) as (process, output):
        assert output is not None  # noqa: S101 - for the type checker
        while piece := output.read(_PIECE_BYTES):
            if time.monotonic() > deadline:
                raise FfmpegLimitReached("time")
            yield piece
        process.wait(max(1.0, deadline - time.monotonic()))


def input_arguments(path: Path, demuxer: str | None = None) -> list[str]:
    """The arguments that name a local file as an input. It cannot refer to a network.

    Args:
        path: the file.
        demuxer: ffmpeg's name of the container, for example ``wav``. None lets ffmpeg guess it, only for
            files that the server has made: a playlist would open other files of the machine.
    """
    return [*_FILES_ONLY, *(("-f", demuxer) if demuxer else ()), "-i", f"file:{path}"]


@contextmanager
def _running(
    arguments: Sequence[str], limits: FfmpegLimits, stdout: int
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes] | None]]:
    program = find_ffmpeg()
    if program is None:
        raise FfmpegMissing(INSTALL)
    limited = [limits.cpu_s, limits.memory_bytes, limits.file_bytes, os.getpid(), program]
    command = [sys.executable, "-I", "-B", "-m", "autonomy_core.media.limited_program", *map(str, limited)]
    with tempfile.TemporaryFile() if limits.file_bytes else _no_file() as messages:
        process = subprocess.Popen(
            [*command, *_QUIET, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=messages,
            env=_ENVIRONMENT,
        )
        try:
            yield process, process.stdout
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        _check(process.returncode, _end_of(messages))


@contextmanager
def _no_file() -> Iterator[int]:
    """Where the process may write no file, as in the child of an inspection, its messages are dropped."""
    yield subprocess.DEVNULL


def _end_of(messages: IO[bytes] | int) -> str:
    if isinstance(messages, int):
        return "no message"
    size = messages.seek(0, os.SEEK_END)
    messages.seek(max(0, size - _MESSAGE_BYTES))
    lines = messages.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:_MESSAGE_LENGTH] if lines else "no message"


def _check(status: int, message: str) -> None:
    if status in _LIMITS:
        raise FfmpegLimitReached(_LIMITS[status])
    if status != 0:
        raise FfmpegFailed(f"ended with {status}: {message}")
