"""A hash of a request's body that is computed while the body is read, without buffering it."""

from __future__ import annotations

import hashlib
import io
from email.message import Message
from typing import Any


class Fingerprint:
    """SHA-256 over the digests of the content type, the query and the body.

    Hashing the digests keeps the parts apart. A client that repeats a multipart form uses a new random
    boundary, so the boundaries of a form are left out and the parts between them are hashed.

    Args:
        content_type: the header's value; of its parameters only the boundary is used.
        query: the query string as it was sent.

    Attributes:
        size: the number of body bytes so far.
    """

    def __init__(self, content_type: str, query: str) -> None:
        header = Message()
        header["Content-Type"] = content_type
        essence = header.get_content_type() if content_type else ""
        boundary = header.get_boundary() if essence == "multipart/form-data" else None
        self.size = 0
        self._delimiter = f"--{boundary}".encode("latin-1", "replace") if boundary else b""
        self._whole = hashlib.sha256()
        self._part = hashlib.sha256()
        self._tail = b""
        for text in (essence, query):
            self._whole.update(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest())

    def update(self, data: bytes) -> None:
        """Add the next bytes of the body."""
        self.size += len(data)
        if not self._delimiter:
            self._part.update(data)
            return
        *parts, rest = (self._tail + data).split(self._delimiter)
        for part in parts:
            self._part.update(part)
            self._end_part()
        # The end may be the beginning of a delimiter, so it is hashed with the next bytes.
        kept = max(0, len(rest) - len(self._delimiter) + 1)
        self._part.update(rest[:kept])
        self._tail = rest[kept:]

    def digest(self) -> bytes:
        """Return the fingerprint. No further update is possible."""
        self._part.update(self._tail)
        self._end_part()
        return self._whole.digest()

    def _end_part(self) -> None:
        self._whole.update(self._part.digest())
        self._part = hashlib.sha256()


class Fingerprinted(io.RawIOBase):
    """A stream that adds everything that is read to a fingerprint.

    Args:
        source: a stream that ends with the body.
        fingerprint: the fingerprint to update.
    """

    def __init__(self, source: Any, fingerprint: Fingerprint) -> None:
        super().__init__()
        self._source, self._fingerprint = source, fingerprint

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read up to the size of the buffer from the source."""
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        self._fingerprint.update(data)
        return len(data)
