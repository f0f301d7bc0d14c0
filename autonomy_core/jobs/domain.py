"""What a job is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of work.

    Attributes:
        name: ``<plugin>.<what it does>``; the core's begin with the feature's name.
        function: called as ``function(scope, **arguments)`` in a transaction of its own that is committed when
            it returns. It may run more than once, and must bear it.
        max_attempts: after how many failures it is given up; None for never.
    """

    name: str
    function: Callable[..., None]
    max_attempts: int | None = None


class TryAgain(Exception):
    """Raised by a job that has something to keep, and wants to run again later.

    The transaction is committed, and the job is tried again after its back-off. Any other exception rolls back.
    """


FIRST_WAIT_S = 2
LONGEST_WAIT_S = 3600


def back_off(attempts: int) -> int:
    """How many seconds to wait after so many failures: doubled each time, an hour at most."""
    return min(FIRST_WAIT_S * 2 ** min(attempts, 12), LONGEST_WAIT_S)
