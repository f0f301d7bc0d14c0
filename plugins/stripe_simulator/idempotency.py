"""Idempotency keys: a repeated request is executed once (https://docs.stripe.com/api/idempotent_requests)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from stripe_simulator.errors import StripeError, key_in_use
from stripe_simulator.state import Ledger

LIFETIME_S = 24 * 3600
LONGEST = 255


@dataclass(frozen=True)
class StoredAnswer:
    """A response of the API, and the id of the request that got it first."""

    status: int
    body: dict[str, Any]
    request_id: str
    replayed: bool = False


class IdempotencyKeys:
    """Stores in ``ledger`` the response to each key of each account."""

    def __init__(self, ledger: Ledger, lifetime_s: float = LIFETIME_S) -> None:
        self._ledger = ledger
        self.lifetime_s = lifetime_s
        self._lock = threading.Lock()
        self.in_progress: set[tuple[str, str]] = set()

    def once(
        self,
        account: str,
        key: str,
        request: str,
        perform: Callable[[], StoredAnswer],
        lock: AbstractContextManager[None],
    ) -> StoredAnswer:
        """Return the result of ``perform``, or its earlier result for the same ``key`` and ``request``.

        ``request`` is a hash of method, path and parameters; ``lock`` is held during the call. Raises
        StripeError if ``key`` is too long, was used for another request (400), or is in use now (409).
        """
        if len(key) > LONGEST:
            raise StripeError(f"An idempotency key must be at most {LONGEST} characters.")
        with self._claim(account, key), lock, self._ledger.transaction():
            earlier = self._ledger.get("idempotency", f"{account} {key}")
            if earlier is None or earlier.body["created"] < time.time() - self.lifetime_s:
                answer = perform()
                body = {"created": time.time(), "request": request, "answer": asdict(answer)}
                self._ledger.put("idempotency", f"{account} {key}", account, body)
                return answer
        if earlier.body["request"] != request:
            raise StripeError(
                f"The idempotency key '{key}' was first used for another request; use a new one.",
                error_type="idempotency_error",
            )
        return replace(StoredAnswer(**earlier.body["answer"]), replayed=True)

    @contextmanager
    def _claim(self, account: str, key: str) -> Iterator[None]:
        """Hold ``key`` during the block, outside of any transaction.

        So a second request detects the first one immediately.
        """
        claim = (account, key)
        with self._lock:
            if claim in self.in_progress:
                raise key_in_use(key)
            self.in_progress.add(claim)
        try:
            yield
        finally:
            self.in_progress.discard(claim)
