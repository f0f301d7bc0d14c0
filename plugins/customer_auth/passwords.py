"""argon2id, a few hashes at a time."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from threading import BoundedSemaphore

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from autonomy_core.plugin_api.errors import Unavailable
from customer_auth.domain import prepare_password

# OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
PARAMETERS = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1, type=Type.ID)

LONGEST_WAIT_S = 10.0


class Passwords:
    """Hashes and verifies passwords.

    Each hash takes 19 MiB and all of a core for tens of milliseconds. Done one at a time, a rush of logins
    hardly slows the other requests down.

    Args:
        at_once: how many at once in this process.
        longest_wait_s: after how many seconds in the queue a caller is turned away.
    """

    def __init__(self, at_once: int, longest_wait_s: float = LONGEST_WAIT_S) -> None:
        self._turns = BoundedSemaphore(at_once)
        self._longest_wait_s = longest_wait_s

    def hash(self, password: str) -> str:
        """The hash to store, with its parameters and salt.

        Raises:
            Unavailable: too many are waiting.
        """
        with self._turn():
            return PARAMETERS.hash(prepare_password(password))

    def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password. Without a hash the answer is no, and takes just as long.

        Raises:
            Unavailable: too many are waiting.
        """
        expected = password_hash or self._nobodys
        with self._turn():
            try:
                return PARAMETERS.verify(expected, prepare_password(password)) and password_hash is not None
            except (VerificationError, InvalidHashError):
                return False

    @staticmethod
    def is_outdated(password_hash: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return PARAMETERS.check_needs_rehash(password_hash)

    @cached_property
    def _nobodys(self) -> str:
        return self.hash(secrets.token_urlsafe())

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._longest_wait_s):
            raise Unavailable("Too many people are logging in right now.", extra={"retry_after": 5})
        try:
            yield
        finally:
            self._turns.release()


@cache
def passwords(at_once: int) -> Passwords:
    """The process's one queue for hashes, by its length."""
    return Passwords(at_once)
