"""What holds for every transaction of one's own: which refusals are committed, and what is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError

from autonomy_core.errors import AutonomyError

ATTEMPTS = 3
"""How often something is tried that collides with what another transaction does."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


@contextmanager
def keeping_refusals(transaction: AbstractContextManager[T]) -> Iterator[T]:
    """A transaction that is committed also where the exception is a refusal that has something to keep.

    Args:
        transaction: is committed at its end, and rolled back on an exception.
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
    """Do something in a transaction of its own, and again if it collides: a deadlock, for example.

    Args:
        work: begins the transaction and ends it, so that of an attempt that has failed nothing is left.

    Raises:
        DBAPIError: it has collided `ATTEMPTS` times.
        Exception: whatever else the work raises.
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
    """Whether PostgreSQL has ended a transaction for another's sake, and it may succeed the next time.

    Source: class 40 of https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    cause = getattr(error, "orig", error)
    return isinstance(cause, psycopg.Error) and (cause.sqlstate or "").startswith("40")
