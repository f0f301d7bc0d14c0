"""argon2id, with a limited number of concurrent hashes."""

from __future__ import annotations

import os
import secrets
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import Enum
from functools import cache, cached_property
from threading import BoundedSemaphore

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from autonomy_core.plugin_api.errors import Unavailable
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.domain import prepare_password, previously_prepared
from customer_auth.settings import PLUGIN

# OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
PARAMETERS = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1, type=Type.ID)

NICENESS = 19
"""The priority of hashing threads: other threads and processes that want the core get it first."""

LONGEST_WAIT_S = 10.0

MOST_WAITING = 8
"""How many logins of a process wait for a hash. Each occupies a thread, and connections before and after."""


class Match(Enum):
    """The result of comparing a password with a hash."""

    NO = "another password"
    OUTDATED = "the password; the hash has old parameters, or is of the form of an earlier version"
    YES = "the password"


class Passwords:
    """Hashes and verifies passwords.

    A hash needs 19 MiB and a whole core for tens of milliseconds. With one hash at a time, a short queue, and
    threads of a low priority, many concurrent logins hardly slow down other requests.

    Args:
        concurrent: the number of concurrent hashes in this process.
        longest_wait_s: after how many seconds in the queue a caller is refused.
        most_waiting: how many logins and registrations wait; see `place`.
    """

    def __init__(
        self, concurrent: int, longest_wait_s: float = LONGEST_WAIT_S, most_waiting: int = MOST_WAITING
    ) -> None:
        self._places = BoundedSemaphore(concurrent + most_waiting)
        self._checks = BoundedSemaphore(concurrent)
        self._turns = BoundedSemaphore(concurrent)
        self._longest_wait_s = longest_wait_s
        # A caller with a turn finds a thread.
        self._threads = ThreadPoolExecutor(concurrent, "hash", initializer=_leave_the_cores_to_others)

    def hash(self, password: str) -> str:
        """Return the hash to store, with its parameters and salt.

        Raises:
            Unavailable: the queue is too long.
        """
        with self._turn():
            return self._threads.submit(PARAMETERS.hash, prepare_password(password)).result()

    def compare(self, password: str, password_hash: str | None) -> Match:
        """Compare a password with a hash. Without a hash the result is `Match.NO`, after the same time.

        Raises:
            Unavailable: the queue is too long.
        """
        expected = password_hash or self._dummy_hash
        with self._turn():
            # Most passwords have one form. A wrong password of two forms takes twice as long, whether or not
            # there is a hash.
            forms = dict.fromkeys((prepare_password(password), previously_prepared(password)))
            verified = self._threads.submit(_first_that_verifies, expected, tuple(forms)).result()
        if verified is None or password_hash is None:
            return Match.NO
        is_current = verified == prepare_password(password) and not PARAMETERS.check_needs_rehash(expected)
        return Match.YES if is_current else Match.OUTDATED

    def matches(self, password: str, password_hash: str | None) -> bool:
        """Return whether `compare` finds a match."""
        return self.compare(password, password_hash) is not Match.NO

    @cached_property
    def _dummy_hash(self) -> str:
        return self.hash(secrets.token_urlsafe())

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place during a whole login or registration, which any client can begin.

        Further ones are refused at once, before they use the database. So other requests keep their threads
        and connections.

        Raises:
            Unavailable: there is none.
        """
        with _held(self._places, 0):
            yield

    @contextmanager
    def check(self) -> Iterator[None]:
        """Hold a place while a login is counted and its password compared.

        No more logins do so than can hash. The others wait here, where they use no processor time.

        Raises:
            Unavailable: the queue is too long.
        """
        with _held(self._checks, self._longest_wait_s):
            yield

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with _held(self._turns, self._longest_wait_s):
            yield


@contextmanager
def _held(semaphore: BoundedSemaphore, longest_wait_s: float) -> Iterator[None]:
    if not semaphore.acquire(timeout=longest_wait_s):
        raise Unavailable("Too many people are logging in right now.", extra={"retry_after": 5})
    try:
        yield
    finally:
        semaphore.release()


def _leave_the_cores_to_others() -> None:
    """Lower the priority of the current thread, which Linux has for each thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _first_that_verifies(password_hash: str, forms: Sequence[str]) -> str | None:
    return next((form for form in forms if _verifies(password_hash, form)), None)


def _verifies(password_hash: str, prepared: str) -> bool:
    try:
        return PARAMETERS.verify(password_hash, prepared)
    except (VerificationError, InvalidHashError):
        return False


def passwords_of(scope: TenantScope) -> Passwords:
    """Return the process's queue for hashes, as the server's settings want it."""
    return passwords(scope.server_settings(PLUGIN)["hashes_at_once"])


@cache
def passwords(concurrent: int) -> Passwords:
    """Return the process's queue for hashes with this many concurrent hashes."""
    return Passwords(concurrent)
