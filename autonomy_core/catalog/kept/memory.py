"""The answers that a process keeps, in bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

MOST_BYTES: Final = 16 * 1024 * 1024
"""Of a process."""

SHARE: Final = 8
"""An organisation gets at most one part of so many, and an answer the same of what an organisation gets."""

OF_ANSWER: Final = 1024
"""What an answer takes besides its body and its URL, in bytes, estimated."""

OF_ORGANISATION: Final = 1024
"""What an organisation takes besides its answers, in bytes, estimated."""

Url = tuple[str, ...]
"""All parts of a request that an answer depends on."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer with status 200.

    Attributes:
        body: the bytes.
        etag: a strong entity tag, with quotes.
        resource: the name of the class of the request's resource, for metrics.
        until: when it is no longer right, aware.
    """

    body: bytes
    etag: str
    resource: str
    until: datetime


@dataclass(frozen=True, slots=True)
class State:
    """What all answers of an organisation depend on, besides their URLs.

    Attributes:
        organisation_id: the organisation.
        digest, hosts: as in its `Organisation`. That itself would take more memory.
        version: of its catalogue.
    """

    organisation_id: str
    digest: bytes
    hosts: tuple[str, ...]
    version: UUID | None


@dataclass(slots=True)
class _Shelf:
    """The answers of one organisation in one state."""

    state: State
    size: int = OF_ORGANISATION
    answers: OrderedDict[Url, KeptAnswer] = field(default_factory=OrderedDict)


class KeptAnswers:
    """Answers by organisation and URL. Every method may be called by several threads at once.

    A process keeps the answers of one state of an organisation. Those of the state before are of no use.

    Args:
        most_bytes: the limit of the memory. The organisation that was asked for least recently is dropped,
            and within an organisation the answer that was.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._most_of_one = most_bytes // SHARE
        self._most_of_answer = self._most_of_one // SHARE
        self._size = 0
        self._shelves: OrderedDict[str, _Shelf] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """The memory that the answers take, in bytes, estimated."""
        return self._size

    def get(self, state: State, url: Url, now: datetime) -> KeptAnswer | None:
        """Return a kept answer, or None.

        Args:
            state: the present one.
            url: of the request.
            now: the present moment, aware.
        """
        with self._lock:
            shelf = self._shelves.get(state.organisation_id)
            answer = shelf.answers.get(url) if shelf else None
            if shelf is None or answer is None or now >= answer.until or shelf.state != state:
                return None
            shelf.answers.move_to_end(url)
            self._shelves.move_to_end(state.organisation_id)
            return answer

    def put(self, state: State, url: Url, answer: KeptAnswer) -> None:
        """Keep an answer, unless it is too large.

        Args:
            state: the one that was read before the answer was made.
            url: of the request.
            answer: the answer.
        """
        size = _size(url, answer)
        if size > self._most_of_answer:
            return
        with self._lock:
            shelf = self._shelf(state)
            before = shelf.answers.pop(url, None)
            shelf.answers[url] = answer
            self._grow(shelf, size - (_size(url, before) if before else 0))
            while shelf.size > self._most_of_one:
                oldest = shelf.answers.popitem(last=False)
                self._grow(shelf, -_size(*oldest))
            while self._size > self._most_bytes:
                _, dropped = self._shelves.popitem(last=False)
                self._size -= dropped.size

    def _shelf(self, state: State) -> _Shelf:
        """The organisation's shelf, an empty one if the answers in it are of another state."""
        organisation_id = state.organisation_id
        shelf = self._shelves.pop(organisation_id, None)
        if shelf is None or shelf.state != state:
            self._size += OF_ORGANISATION - (shelf.size if shelf else 0)
            shelf = _Shelf(state)
        self._shelves[organisation_id] = shelf
        return shelf

    def _grow(self, shelf: _Shelf, size: int) -> None:
        shelf.size += size
        self._size += size


def _size(url: Url, answer: KeptAnswer) -> int:
    return len(answer.body) + sum(map(len, url)) + OF_ANSWER
