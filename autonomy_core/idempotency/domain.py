"""The identity of a key, the parts of a stored answer, and the lifetimes of both. No framework."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil

WELL_FORMED = re.compile("[!-~]{1,255}")
"""Visible ASCII. The draft's quoted strings match too; their quotation marks are part of the key."""

SHORTEST_UNAUTHENTICATED = 16
"""The fewest characters of the key of a caller that nothing identifies.

Such callers share their keys. An answer is given to a caller with the same key and the same body only, and a
stranger may know the body. So the key must not be one that others choose.
"""

KEPT_FOR = timedelta(hours=24)
"""How long an answer can be replayed."""

LEASE = timedelta(minutes=2)
"""How long a request may hold a key: longer than any request with a JSON body takes."""

LEASE_OF_UPLOADS = timedelta(hours=1)
"""The same for a request with an uploaded body, which may arrive slowly."""

MOST_ANSWER_BYTES = 1024 * 1024
"""The largest response body that is stored, in bytes."""

BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that its client may repeat. The same key in another claim is another key.

    Attributes:
        caller: the kind and id of the customer or API key, or ``nobody`` for an anonymous request.
        method: the HTTP method.
        path: the path below the root of the organisation's API.
        key: the header's value.
    """

    caller: str
    method: str
    path: str
    key: str = field(repr=False)

    def __bytes__(self) -> bytes:
        """The encoding of the claim for hashing; different claims have different encodings."""
        return json.dumps([self.caller, self.method, self.path, self.key]).encode()

    @property
    def is_anonymous(self) -> bool:
        """Whether unrelated clients can make the same claim, because the request is not authenticated."""
        return self.caller == "nobody"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A stored response.

    Attributes:
        status: the HTTP status code.
        headers: the headers that the view set.
        body: the bytes of the body.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def __bytes__(self) -> bytes:
        """The encoding of the answer for storage, before encryption."""
        return json.dumps([self.status, self.headers]).encode() + b"\n" + self.body

    @classmethod
    def from_bytes(cls, stored: bytes) -> StoredAnswer:
        """Decode a stored answer."""
        head, _, body = stored.partition(b"\n")
        status, headers = json.loads(head)
        return cls(status, tuple((name, value) for name, value in headers), body)


def retry_after(so_far: timedelta, left: timedelta) -> int:
    """Return after how many seconds a client should retry while the first request is in progress.

    The wait equals the time that the request has taken so far, so that clients poll slow requests less often.
    It does not exceed the rest of the lease.
    """
    return max(1, ceil(min(so_far, left).total_seconds()))


def most_of_a_repetition(body_bytes: int) -> int:
    """Return how many bytes of a repeated request's body are read; its form boundaries may be longer.

    The value is rounded to whole blocks, so that the table does not reveal the exact length of a body that
    contains a password.
    """
    return (body_bytes // BLOCK_BYTES + 2) * BLOCK_BYTES
