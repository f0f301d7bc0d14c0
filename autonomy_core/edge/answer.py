"""The application's answers, and how they are sent after the thread is free."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import structlog

from autonomy_core.edge.body import BodyNeeded
from autonomy_core.edge.environ import Environ
from autonomy_core.edge.pieces import PieceReader, Pieces
from autonomy_core.errors import AutonomyError
from autonomy_core.kernel.bodies import StreamedBody

log = structlog.get_logger(__name__)

SMALL_BYTES = 128 * 1024
"""The maximum size of an answer in memory, in bytes. Larger ones are written to a file, and count as slow."""

MIN_PIECE, FIRST_PIECE, MAX_PIECE = 16 * 1024, 64 * 1024, 256 * 1024
"""Sizes of pieces of files, in bytes. Slow clients get small pieces, because a piece stays in memory."""

FAST_CLIENT_S = 0.001
"""If a client takes a piece within this time, the next piece is larger."""

Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Environ, Callable[..., Any]], Any]


WITHOUT_BODY = (204, 304)
"""Statuses of answers without a body, whatever their headers say (RFC 9110, section 6.4.1)."""


class ShortAnswer(Exception):
    """The application's body is shorter than its Content-Length."""


class FileAnswer:
    """The ``wsgi.file_wrapper`` of PEP 3333: a file, from its current position to the Content-Length.

    Args:
        file: a real file, open for reading. It is closed after it was sent, or when the client has
            disconnected.
        block_size: the size of blocks for code that iterates over it, in bytes.
    """

    def __init__(self, file: IO[bytes], block_size: int = FIRST_PIECE) -> None:
        self.file, self._block_size = file, block_size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(self._block_size), b"")

    def __len__(self) -> int:
        """The number of bytes after the file's position."""
        return os.fstat(self.file.fileno()).st_size - self.file.tell()

    def close(self) -> None:
        """Close the file."""
        self.file.close()


Stream = FileAnswer | StreamedBody
"""Bodies that are read while they are sent."""


@dataclass(slots=True)
class Answer:
    """One answer.

    Attributes:
        status: the HTTP status code.
        headers: headers with names in lower case.
        body: the whole body, or what contains it.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes | Stream

    @property
    def announced(self) -> int | None:
        """The Content-Length; None if there is none."""
        return next((int(value) for name, value in self.headers if name == b"content-length"), None)

    @property
    def ends_connection(self) -> bool:
        """Whether the connection is closed after the answer."""
        return (b"connection", b"close") in self.headers

    def end_connection(self) -> Answer:
        """A copy that closes the connection after the answer."""
        return Answer(self.status, [*self.headers, (b"connection", b"close")], self.body)


def call(application: Application, environ: Environ, spool: Path) -> Answer | None:
    """Call the application in this thread.

    Args:
        application: the WSGI application.
        environ: the WSGI environ.
        spool: the directory for large answers that are not files.

    Returns:
        The answer; None if the application needs the body, which has not arrived.

    Raises:
        ShortAnswer: the body is shorter than announced, so the client would wait for the rest.
    """
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        begun[:] = [(status, headers)]

    environ["wsgi.file_wrapper"] = FileAnswer
    try:
        parts = application(environ, start_response)
        body = parts if isinstance(parts, Stream) else _collected(parts, spool)
    except BodyNeeded:
        return None
    status, headers = begun[0]
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    answer = Answer(int(status[:3]), encoded, body)
    if environ.get("REQUEST_METHOD") != "HEAD" and answer.status not in WITHOUT_BODY:
        _require_whole(answer)
    return answer


def _require_whole(answer: Answer) -> None:
    given, announced = len(answer.body), answer.announced
    if announced is not None and given < announced:
        if isinstance(answer.body, Stream):
            answer.body.close()
        raise ShortAnswer(f"It announces {announced} bytes and has {given}.")


def _collected(parts: Any, spool: Path) -> bytes | FileAnswer:
    try:
        if isinstance(parts, list):
            return _kept(parts[0] if len(parts) == 1 else b"".join(parts), spool)
        kept, size, file = [], 0, None
        for part in parts:
            size += len(part)
            kept.append(part)
            if size > SMALL_BYTES:
                file = file or tempfile.TemporaryFile(dir=spool)  # noqa: SIM115 - closed after sending
                file.writelines(kept)
                kept, size = [], 0
        if file is None:
            return b"".join(kept)
        file.writelines(kept)
        file.seek(0)
        return FileAnswer(file)
    finally:
        if hasattr(parts, "close"):
            parts.close()


def _kept(body: bytes, spool: Path) -> bytes | FileAnswer:
    if len(body) <= SMALL_BYTES:
        return body
    with ExitStack() as unless_kept:
        try:
            file = tempfile.TemporaryFile(dir=spool, buffering=0)  # noqa: SIM115 - closed with the answer
            unless_kept.callback(file.close)
            if file.write(body) < len(body):
                return body
        except OSError:
            # The disk is full. The work is committed, so send the answer from memory.
            return body
        file.seek(0)
        unless_kept.pop_all()
        return FileAnswer(file)


async def send_answer(answer: Answer, send: Send) -> None:
    """Send an answer whose body is in memory."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


Read = Callable[[int], Awaitable[bytes]]
"""Returns the next bytes of a body, at most so many; none at its end."""


def reader_of(body: Stream, pieces: Pieces) -> FileReader | PieceReader:
    """What reads and closes a body in the event loop.

    Args:
        body: the body.
        pieces: the threads that read bodies that are in a store.
    """
    return FileReader(body) if isinstance(body, FileAnswer) else PieceReader(body, pieces)


class FileReader:
    """Reads a file on this machine.

    Args:
        file: the answer's file. It is read from its current position.
    """

    def __init__(self, file: FileAnswer) -> None:
        self._file, self._position = file, file.file.tell()

    async def read(self, size: int) -> bytes:
        """Return the next bytes, at most so many; none at the end."""
        piece = await _read(self._file.file.fileno(), size, self._position)
        self._position += len(piece)
        return piece

    def close(self) -> None:
        """Close the file."""
        self._file.close()


async def send_stream(
    answer: Answer, read: Read, send: Send, gone: asyncio.Future[Any], stall_s: float
) -> None:
    """Send an answer whose body is read meanwhile, in pieces, as fast as the client reads.

    Args:
        answer: the answer.
        read: reads its body.
        send: ASGI's send function.
        gone: is done when the client has disconnected.
        stall_s: the maximum time for each `MIN_PIECE`, in seconds. After that, the connection is closed.

    Raises:
        AutonomyError: the first piece cannot be read. Nothing has been sent.
    """
    loop, size = asyncio.get_running_loop(), FIRST_PIECE
    left = len(answer.body) if answer.announced is None else answer.announced
    if left <= 0:
        await send_answer(Answer(answer.status, answer.headers, b""), send)
        return
    piece = await read(min(size, left))
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    while piece:
        left -= len(piece)
        began = loop.time()
        try:
            async with asyncio.timeout(stall_s * max(len(piece) / MIN_PIECE, 1)):
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
        except TimeoutError:
            log.info("answer.not_taken", missing=left)
            return
        if left <= 0 or gone.done():
            return
        is_fast = loop.time() - began < FAST_CLIENT_S
        size = min(size * 2, MAX_PIECE) if is_fast else max(size // 2, MIN_PIECE)
        try:
            piece = await read(min(size, left))
        except AutonomyError:
            break  # where it was raised, the reason was logged
    log.error("answer.file_cut_short", missing=left)


async def _read(descriptor: int, size: int, position: int) -> bytes:
    """Read a piece of a file: directly if the kernel has it cached, otherwise in a thread that may block."""
    buffer = bytearray(size)
    if hasattr(os, "RWF_NOWAIT"):
        with suppress(OSError):
            read = os.preadv(descriptor, [buffer], position, os.RWF_NOWAIT)
            if read > 0:
                return bytes(memoryview(buffer)[:read])
    return await asyncio.get_running_loop().run_in_executor(None, os.pread, descriptor, size, position)
