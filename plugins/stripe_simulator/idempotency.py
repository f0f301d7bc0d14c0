"""Idempotency keys: the same request twice is done once (https://docs.stripe.com/api/idempotent_requests)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from stripe_simulator.errors import StripeError, key_in_use
from stripe_simulator.state import Books

LIFETIME = 24 * 3600
LONGEST = 255


@dataclass(frozen=True)
class Answer:
    """An answer of the API, and the request that it was first given to."""

    status: int
    body: dict[str, Any]
    request_id: str
    replayed: bool = False


class IdempotencyKeys:
    """Remembers in ``books`` what was answered to each key of each account."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._lock = threading.Lock()
        self.in_progress: set[tuple[str, str]] = set()

    def once(
        self,
        account: str,
        key: str,
        request: str,
        perform: Callable[[], Answer],
        lock: AbstractContextManager[None],
    ) -> Answer:
        """Return what ``perform`` returns, or what it returned when ``key`` was first used for this ``request``.

        ``request`` stands for method, path and parameters; ``lock`` is held meanwhile. Raises StripeError when
        ``key`` is too long, was used for something else (400), or is in use at this moment (409).
        """
        if len(key) > LONGEST:
            raise StripeError(f"An idempotency key must be at most {LONGEST} characters.")
        with self._claim(account, key), lock, self._books.transaction():
            earlier = self._books.get("idempotency", f"{account} {key}")
            if earlier is None or earlier.body["created"] < time.time() - LIFETIME:
                answer = perform()
                body = {"created": time.time(), "request": request, "answer": asdict(answer)}
                self._books.put("idempotency", f"{account} {key}", account, body)
                return answer
        if earlier.body["request"] != request:
            raise StripeError(
                f"The idempotency key '{key}' was first used for another request; use a new one.",
                error_type="idempotency_error",
            )
        return replace(Answer(**earlier.body["answer"]), replayed=True)

    @contextmanager
    def _claim(self, account: str, key: str) -> Iterator[None]:
        """Hold ``key`` outside any transaction, so that a second request learns at once that the first is running."""
        claim = (account, key)
        with self._lock:
            if claim in self.in_progress:
                raise key_in_use(key)
            self.in_progress.add(claim)
        try:
            yield
        finally:
            self.in_progress.discard(claim)
