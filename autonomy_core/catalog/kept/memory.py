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
        headers: the type of its content first, and for a page further ones.
    """

    body: bytes
    etag: str
    resource: str
    until: datetime
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)


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
class _AnswersOfOrganisation:
    """The answers of one organisation in one state; None at a URL whose answer is not kept."""

    state: State
    size: int = OF_ORGANISATION
    by_url: OrderedDict[Url, KeptAnswer | None] = field(default_factory=OrderedDict)


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
        self._organisations: OrderedDict[str, _AnswersOfOrganisation] = OrderedDict()
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
            answers = self._found(state, url)
            answer = answers.by_url[url] if answers else None
            if answers is None or answer is None or now >= answer.until:
                return None
            self._used(answers, url)
            return answer

    def is_left_out(self, state: State, url: Url) -> bool:
        """Whether the answer to a URL was too large to be kept, or left out, in this state."""
        with self._lock:
            answers = self._found(state, url)
            if answers is None or answers.by_url[url] is not None:
                return False
            self._used(answers, url)
            return True

    def put(self, state: State, url: Url, answer: KeptAnswer) -> None:
        """Keep an answer. One that is too large is left out.

        Args:
            state: the one that was read before the answer was made.
            url: of the request.
            answer: the answer.
        """
        self._place(state, url, answer if _size(url, answer) <= self._most_of_answer else None)

    def leave_out(self, state: State, url: Url) -> None:
        """Remember that the answer to a URL is not kept, until the state changes; in the same memory."""
        self._place(state, url, None)

    def _found(self, state: State, url: Url) -> _AnswersOfOrganisation | None:
        answers = self._organisations.get(state.organisation_id)
        return answers if answers and answers.state == state and url in answers.by_url else None

    def _used(self, answers: _AnswersOfOrganisation, url: Url) -> None:
        answers.by_url.move_to_end(url)
        self._organisations.move_to_end(answers.state.organisation_id)

    def _place(self, state: State, url: Url, answer: KeptAnswer | None) -> None:
        size = _size(url, answer)
        if size > self._most_of_answer:
            return
        with self._lock:
            answers = self._answers_in(state)
            before = _size(url, answers.by_url.pop(url)) if url in answers.by_url else 0
            answers.by_url[url] = answer
            self._grow(answers, size - before)
            while answers.size > self._most_of_one:
                oldest = answers.by_url.popitem(last=False)
                self._grow(answers, -_size(*oldest))
            while self._size > self._most_bytes:
                _, dropped = self._organisations.popitem(last=False)
                self._size -= dropped.size

    def _answers_in(self, state: State) -> _AnswersOfOrganisation:
        """Return the organisation's answers, none if those in memory are of another state."""
        organisation_id = state.organisation_id
        answers = self._organisations.pop(organisation_id, None)
        if answers is None or answers.state != state:
            self._size += OF_ORGANISATION - (answers.size if answers else 0)
            answers = _AnswersOfOrganisation(state)
        self._organisations[organisation_id] = answers
        return answers

    def _grow(self, answers: _AnswersOfOrganisation, size: int) -> None:
        answers.size += size
        self._size += size


def _size(url: Url, answer: KeptAnswer | None) -> int:
    return (len(answer.body) if answer else 0) + sum(map(len, url)) + OF_ANSWER
