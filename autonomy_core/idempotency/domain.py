"""What a key belongs to, what an answer consists of, and how long each is held. No framework."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil

WELL_FORMED = re.compile("[!-~]{1,255}")
"""Visible ASCII, as the draft's quoted strings are as well: their quotation marks are a part of the key."""

KEPT_FOR = timedelta(hours=24)
"""How long an answer is given again."""

LEASE = timedelta(minutes=2)
"""How long a key is held for a request that gives no sign of its end: longer than any that reads a JSON body takes."""

LEASE_OF_UPLOADS = timedelta(hours=1)
"""The same for a request whose body may be long in coming."""

MOST_ANSWER_BYTES = 1024 * 1024
"""The largest body of an answer that is kept."""

BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that its client may repeat. The same key in another claim is another key.

    Attributes:
        caller: the kind and id of the customer or API key, or ``nobody``.
        method: the HTTP method.
        path: below the root of the organisation's API.
        key: what the client has sent.
    """

    caller: str
    method: str
    path: str
    key: str = field(repr=False)

    def __bytes__(self) -> bytes:
        """The claim as it is hashed; two claims differ in it."""
        return json.dumps([self.caller, self.method, self.path, self.key]).encode()

    @property
    def is_anybodys(self) -> bool:
        """Whether people who do not know each other may come with it."""
        return self.caller == "nobody"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client was told.

    Attributes:
        status: the HTTP status code.
        headers: those that the view has set.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def __bytes__(self) -> bytes:
        """The answer as it is stored, before it is sealed."""
        return json.dumps([self.status, self.headers]).encode() + b"\n" + self.body

    @classmethod
    def from_bytes(cls, stored: bytes) -> Answer:
        """The answer that was stored."""
        head, _, body = stored.partition(b"\n")
        status, headers = json.loads(head)
        return cls(status, tuple((name, value) for name, value in headers), body)


def retry_after(so_far: timedelta, left: timedelta) -> int:
    """In how many seconds to ask again for a request that is under way.

    After as long again as it has taken so far, so that a slow one is not asked for every second; and no later than its
    lease ends.
    """
    return max(1, ceil(min(so_far, left).total_seconds()))


def most_of_a_repetition(body_bytes: int) -> int:
    """How much of a repeated request's body is read, in bytes: a form's boundaries may be longer the second time.

    In whole blocks, because the length of a body with a password in it is nobody's business.
    """
    return (body_bytes // BLOCK_BYTES + 2) * BLOCK_BYTES
