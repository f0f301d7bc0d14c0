"""Rules for transactions that code begins itself: which errors still commit, and which are retried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError

from autonomy_core.errors import AutonomyError

ATTEMPTS = 3
"""The number of attempts for work that fails because of a concurrent transaction."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


@contextmanager
def keeping_refusals(transaction: AbstractContextManager[T]) -> Iterator[T]:
    """A transaction that also commits when an `AutonomyError` with ``commits`` is raised.

    Args:
        transaction: a context manager that commits at its end and rolls back on an exception.

    Raises:
        AutonomyError: the error, after the commit.
    """
    kept: AutonomyError | None = None
    with transaction as begun:
        try:
            yield begun
        except AutonomyError as refusal:
            if not refusal.commits:
                raise
            kept = refusal
    if kept is not None:
        raise kept


def trying_again(work: Callable[[], T]) -> T:
    """Run work in its own transaction, and again if it fails because of a concurrent transaction.

    Args:
        work: begins the transaction and ends it, so that a failed attempt leaves nothing behind.

    Raises:
        DBAPIError, psycopg.Error: each of the `ATTEMPTS` attempts failed because of a concurrent transaction.
        Exception: any other error of the work, at once.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except (DBAPIError, psycopg.Error) as error:
            if not is_collision(error):
                raise
            log.info("transaction.tried_again", reason=type(error).__name__)
    return work()


def is_collision(error: BaseException) -> bool:
    """Whether PostgreSQL rolled back because of a concurrent transaction, so that a retry may succeed.

    Source: class 40 of https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    cause = getattr(error, "orig", error)
    return isinstance(cause, psycopg.Error) and (cause.sqlstate or "").startswith("40")
