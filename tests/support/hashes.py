"""Password hashes for tests of something else, which cost next to nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from argon2 import PasswordHasher

from customer_auth.passwords import hashing

FULL = hashing.PARAMETERS


@contextmanager
def hashes_of(hasher: PasswordHasher, niceness: int) -> Iterator[None]:
    """Hash with other parameters, and with threads of another priority, until the block ends."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hashing, "PARAMETERS", hasher)
        patched.setattr(hashing, "NICENESS", niceness)
        # The process's queue has threads, and a hash to compare with where there is none.
        hashing.passwords.cache_clear()
        yield
    hashing.passwords.cache_clear()


@contextmanager
def cheap_hashes() -> Iterator[None]:
    """Hash cheaply. A thread of a low priority would wait for a whole second while other tests run."""
    with hashes_of(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), niceness=0):
        yield


@contextmanager
def full_hashes() -> Iterator[None]:
    """Hash as a server does, within `cheap_hashes`."""
    with hashes_of(FULL, niceness=0):
        yield
