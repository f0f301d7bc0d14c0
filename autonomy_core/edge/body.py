"""Receives the body of a request in the event loop, in memory or in a file, until it is complete."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import IO, Any, NoReturn

import structlog

from autonomy_core.edge.environ import Environ
from autonomy_core.edge.errors import BodyTooSlow
from autonomy_core.edge.limits import Limits
from autonomy_core.errors import BrokenOff, TooLarge, Unavailable
from autonomy_core.traversal.target import LARGEST_BODY

log = structlog.get_logger(__name__)

RETRY_AFTER_S = 60
LINGER_S = 2.0
LINGER_BYTES = 1024 * 1024
"""A rejected client may notice the answer only after sending this much. Then its connection is closed."""

WRITE_BYTES = 128 * 1024
"""The size of blocks in which large bodies are written to files. Each connection keeps a block in memory.

A thread writes them, because the disk may be slow.
"""

Receive = Callable[[], Awaitable[dict[str, Any]]]


class BodyNeeded(BaseException):
    """The application reads a body that has not arrived. As a BaseException, it passes error handlers."""


class Unread(io.RawIOBase):
    """The body for a first call of the application, before the body has arrived."""

    def readable(self) -> bool:
        """True, so that the application tries to read."""
        return True

    def seekable(self) -> bool:
        """True, because nothing was read."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Accept only the start of the body."""
        return 0 if (offset, whence) == (0, io.SEEK_SET) else _require_body()

    def read(self, size: int = -1) -> NoReturn:
        """Raise `BodyNeeded`, like all methods that read."""
        _require_body()

    def readinto(self, buffer: Any) -> NoReturn:
        """See `read`."""
        _require_body()

    def readline(self, size: int | None = -1) -> NoReturn:
        """See `read`."""
        _require_body()

    def __next__(self) -> NoReturn:
        _require_body()


def _require_body() -> NoReturn:
    raise BodyNeeded


class Spool:
    """Limits the total size of bodies in files, and has their directory.

    Args:
        limits: contains the directory, which is created if it is missing.
    """

    def __init__(self, limits: Limits) -> None:
        self.directory, self._most, self._used = limits.spool, limits.spool_bytes, 0
        self.directory.mkdir(parents=True, exist_ok=True)

    def take(self, size: int) -> None:
        """Reserve space.

        Args:
            size: in bytes.

        Raises:
            Unavailable: the limit is reached.
        """
        if self._used + size > self._most:
            raise Unavailable("Too many large bodies arrive at once.", extra={"retry_after": RETRY_AFTER_S})
        self._used += size

    def give_back(self, size: int) -> None:
        """Release space, in bytes."""
        self._used -= size


class Body:
    """The body of one request.

    Args:
        receive: ASGI's receive function.
        environ: the WSGI environ, whose headers announce the body.
        limits: the limits for clients.
        spool: the directory for large bodies.
    """

    def __init__(self, receive: Receive, environ: Environ, limits: Limits, spool: Spool) -> None:
        self._receive, self._limits, self._spool = receive, limits, spool
        self._length = _announced(environ)
        self._is_chunked = "HTTP_TRANSFER_ENCODING" in environ
        self._expects_continue = environ.get("HTTP_EXPECT", "").lower() == "100-continue"
        self._pieces: list[bytes] = []
        self._in_memory = 0
        self._file: IO[bytes] | None = None
        self._written = 0
        self._pending: asyncio.Task[dict[str, Any]] | None = None
        self._reader: asyncio.Future[Any] | None = None
        self._gone: asyncio.Task[None] | None = None
        self.is_whole = not self._length and not self._is_chunked
        self.received = 0

    async def arrive_at_once(self) -> bool:
        """Wait a moment for a small body. Returns whether it is complete."""
        if self.is_whole:
            return True
        if self._expects_continue or (self._length or 0) > self._limits.memory_bytes:
            return False
        until = asyncio.get_running_loop().time() + self._limits.grace_s
        while not self.is_whole and self.received <= self._limits.memory_bytes:
            if not await self._take(until):
                return False
        return self.is_whole

    async def arrive(self, most_bytes: int) -> None:
        """Wait until the body is complete.

        Args:
            most_bytes: the maximum size, in bytes.

        Raises:
            BodyTooSlow: a deadline has passed.
            TooLarge: the body is larger than the maximum.
            BrokenOff: the client has disconnected.
            Unavailable: the disk or the spool is full.
        """
        if (self._length or 0) > most_bytes:
            raise TooLarge(f"The body may have {most_bytes} bytes.")
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not self.is_whole:
            until = min(loop.time() + self._limits.body_s, began + self._limits.allowed_s(self.received))
            if not await self._take(until):
                raise BodyTooSlow(f"{self.received} bytes had arrived.")
            if self.received > most_bytes:
                raise TooLarge(f"The body may have {most_bytes} bytes.")
            if self._in_memory >= WRITE_BYTES or (
                self._in_memory and self.received > self._limits.memory_bytes and self.is_whole
            ):
                await self._write()

    async def end_early(self) -> bool:
        """Make what has arrived the whole body. Returns whether there is any.

        Raises:
            Unavailable: the disk or the spool is full.
        """
        if self._file is not None and self._in_memory:
            await self._write()
        return self.received > 0

    def in_environ(self, environ: Environ) -> Environ:
        """The environ with the complete body, for the application."""
        source: IO[bytes] = io.BytesIO(b"".join(self._pieces)) if self._file is None else self._file
        source.seek(0)
        whole = {name: value for name, value in environ.items() if name != "HTTP_TRANSFER_ENCODING"}
        if self.received:
            whole["CONTENT_LENGTH"] = str(self.received)
        elif self._is_chunked:
            whole["CONTENT_LENGTH"] = "0"
        whole["wsgi.input"] = source
        return whole

    async def drain(self) -> bool:
        """Read and discard the rest of a rejected body for a moment, so that the client can read the answer.

        Returns:
            Whether the body ended or the client disconnected. Otherwise, the connection must be closed.
        """
        until, most = asyncio.get_running_loop().time() + LINGER_S, self.received + LINGER_BYTES
        try:
            while not self.is_whole and self.received <= most:
                if not await self._take(until):
                    return False
                self._pieces.clear()
        except BrokenOff:
            return True
        return self.is_whole

    def lend(self, reader: asyncio.Future[Any]) -> None:
        """Keep the body until a thread, which may read it, has ended."""
        self._reader = reader

    def gone(self) -> asyncio.Future[None]:
        """A future that is done when the client has disconnected. Call it only after the body is complete.

        It is always the same future, because granian reports a disconnect only once.
        """
        if self._gone is None:
            self._gone = asyncio.ensure_future(self._until_gone())
        return self._gone

    def close(self) -> None:
        """Discard the body, and stop receiving it."""
        for waiting in (self._gone, self._pending):
            if waiting is not None:
                waiting.cancel()
        # A cancelled task refers to this object, and both to the connection, which would stay open.
        self._gone = self._pending = None
        if self._reader is not None and not self._reader.done():
            self._reader.add_done_callback(lambda _: self._discard())
        else:
            self._discard()

    def _discard(self) -> None:
        self._spool.give_back(self._written)
        if self._file is not None:
            # Closing flushes data that a full disk has rejected, and fails again.
            with suppress(OSError):
                self._file.close()
        self._pieces, self._file, self._written = [], None, 0

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _take(self, until: float) -> bool:
        """Receive the next part. Returns whether it arrived in time.

        The receiving task survives the deadline: its cancellation could lose a part that arrives just then.
        """
        if self._pending is None:
            self._pending = asyncio.ensure_future(self._next())
        if not self._pending.done():
            timeout = until - asyncio.get_running_loop().time()
            await asyncio.wait((self._pending,), timeout=max(timeout, 0))
        if not self._pending.done():
            return False
        message = self._pending.result()
        if message["type"] == "http.disconnect":
            # The message stays for the next call, because granian reports a disconnect only once.
            raise BrokenOff(f"{self.received} bytes had arrived.")
        self._pending = None
        piece = bytes(message["body"])
        self.received += len(piece)
        self._in_memory += len(piece)
        self._pieces.append(piece)
        self.is_whole = self.received >= self._length if self._length else not message["more_body"]
        return True

    async def _next(self) -> dict[str, Any]:
        return await self._receive()

    async def _write(self) -> None:
        pieces, size = b"".join(self._pieces), self._in_memory
        self._spool.take(size)
        self._written += size
        self._pieces, self._in_memory = [], 0
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._append, pieces)
        except OSError as error:
            log.warning("body.not_kept", error=str(error))
            raise Unavailable("The body could not be kept.", extra={"retry_after": RETRY_AFTER_S}) from error

    def _append(self, pieces: bytes) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._spool.directory)  # noqa: SIM115 - see _discard
        self._file.write(pieces)
        # Flush here, where errors of a full disk are handled, and not in seek() or close().
        self._file.flush()


def _announced(environ: Environ) -> int | None:
    """The Content-Length; None if there is none. granian has checked that it is a number."""
    text = environ.get("CONTENT_LENGTH")
    return None if text is None or "HTTP_TRANSFER_ENCODING" in environ else int(text)


class Wanted:
    """What the application requests during the first call, before it reads the body.

    Attributes:
        most_bytes: the maximum size of the body, in bytes.
        keeps_part: whether it processes what has arrived if the body does not arrive completely.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes, self.keeps_part = most_bytes, False


def asked_about(environ: Environ, wanted: Wanted) -> Environ:
    """The environ for the first call of the application, before the body has arrived."""
    return environ | {"wsgi.input": Unread(), LARGEST_BODY: wanted}
