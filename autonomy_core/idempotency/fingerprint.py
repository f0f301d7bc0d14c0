"""Tells one request's body from another's, while it is read: nothing of it is held."""

from __future__ import annotations

import hashlib
import io
from email.message import Message
from typing import Any


class Fingerprint:
    """SHA-256 over the content type, the query and the body: a digest of their digests, so that none runs into the next.

    A client that sends a form again separates its parts by another random boundary. Of a form the digests of what lies
    between the boundaries are taken, and not the boundaries.

    Args:
        content_type: the header's value; its parameters, but for the boundary, do not matter.
        query: the query string as it was sent.

    Attributes:
        size: the bytes of the body so far.
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
        """Take in the next bytes of the body."""
        self.size += len(data)
        if not self._delimiter:
            self._part.update(data)
            return
        *parts, rest = (self._tail + data).split(self._delimiter)
        for part in parts:
            self._part.update(part)
            self._end_part()
        # What may be the beginning of a delimiter waits for the rest of it.
        kept = max(0, len(rest) - len(self._delimiter) + 1)
        self._part.update(rest[:kept])
        self._tail = rest[kept:]

    def digest(self) -> bytes:
        """The fingerprint of what has been taken in; the last thing to ask for."""
        self._part.update(self._tail)
        self._end_part()
        return self._whole.digest()

    def _end_part(self) -> None:
        self._whole.update(self._part.digest())
        self._part = hashlib.sha256()


class Fingerprinted(io.RawIOBase):
    """A stream of which everything that is read is taken into a fingerprint.

    Args:
        source: a stream that ends where the body ends.
    """

    def __init__(self, source: Any, fingerprint: Fingerprint) -> None:
        super().__init__()
        self._source, self._fingerprint = source, fingerprint

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read as much as fits, or as there is."""
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        self._fingerprint.update(data)
        return len(data)
