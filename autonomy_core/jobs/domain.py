"""What a job is, and when its turns are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate
from zlib import crc32

from autonomy_core.callables import PLAIN, kind_that_does_not_run, parameters, takes

if TYPE_CHECKING:
    from autonomy_core.plugin_api.scope import TenantScope

SHORTEST_PERIOD_S = 60
LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of work.

    Attributes:
        name: ``<plugin>.<what it does>``; the core's begin with the feature's name.
        function: called as ``function(scope, **arguments)`` in a transaction of its own that is committed when
            it returns. It may run more than once, and must bear it.
        max_attempts: after how many failures it is given up; None for never.
        every: for a periodic job the seconds from one turn to the next, 60 or more. The worker then runs it by itself
            for every organisation that has enabled its plugin, as ``function(scope)``; see `turns`.
        kept_because: why it may not be cancelled, for the operator who tries to; None where it may.
    """

    name: str
    function: Callable[Concatenate[TenantScope, ...], None]
    max_attempts: int | None = None
    every: int | None = None
    kept_because: str | None = None

    def __post_init__(self) -> None:
        if len(self.name) > LONGEST_NAME:
            raise ValueError(f"job {self.name}: a name has {LONGEST_NAME} characters at most")
        kind = kind_that_does_not_run(self.function)
        if kind is not None:
            raise TypeError(f"job {self.name}: its function is {kind}, whose body would never run: {PLAIN}")
        if not callable(self.function):
            raise TypeError(f"job {self.name}: {self.function!r} is no function")
        if taken := {"organisation_id", "in_seconds"} & parameters(self.function):
            raise TypeError(f"job {self.name}: call its argument {taken.pop()!r} something else")
        if self.every is not None and not takes(self.function, 1):
            raise TypeError(f"job {self.name}: with every= its function is given a scope and nothing else")
        if self.every is not None and self.every < SHORTEST_PERIOD_S:
            raise ValueError(
                f"job {self.name}: every={self.every}; write {SHORTEST_PERIOD_S} seconds or more"
            )

    @property
    def owner(self) -> str:
        """The plugin, or the core's feature, whose job it is."""
        return self.name.partition(".")[0]


def lock_of(job: Job, organisation_id: str) -> str:
    """What keeps two runs of a periodic job in one organisation apart."""
    return f"{job.name}/{organisation_id}"


def turns(name: str, organisation_id: str, every: int, begin: int, end: int) -> range:
    """When a periodic job is due in an organisation, from ``begin`` up to and without ``end``.

    Each organisation has a moment of its own within the period, so that thousands are not due at once. It follows from
    the names alone: no process has to remember it, and it is the same after a restart.

    Args:
        every: the period in seconds.
        begin, end: seconds since the epoch.
    """
    own_moment = crc32(f"{name}/{organisation_id}".encode()) % every
    return range(begin + (own_moment - begin) % every, end, every)


FIRST_WAIT_S = 2
LONGEST_WAIT_S = 3600


class TryAgain(Exception):
    """Raised by a job that has something to keep, and wants to run again later.

    The transaction is committed, and the job is tried again after its back-off. Any other exception rolls back.

    Args:
        reason: what it waits for, for the operator.
        longest_wait_s: how long the back-off becomes at most: more than an hour where only an operator can
            help.
    """

    def __init__(self, reason: str = "", *, longest_wait_s: int = LONGEST_WAIT_S) -> None:
        super().__init__(reason)
        self.longest_wait_s = longest_wait_s


class CannotRunNow(Exception):
    """A job cannot be run, whatever it would do. It waits until it can, and that counts as no attempt.

    The message says what it waits for.
    """


def back_off(attempts: int, error: BaseException) -> int:
    """How many seconds to wait after a failure: doubled each time, an hour at most.

    A `TryAgain` may say another limit.

    Args:
        attempts: how many failures there were before.
        error: the failure.
    """
    longest = error.longest_wait_s if isinstance(error, TryAgain) else LONGEST_WAIT_S
    return min(FIRST_WAIT_S * 2 ** min(attempts, 30), longest)


def is_last_attempt(max_attempts: int | None, attempts: int) -> bool:
    """Whether a job is given up when it fails after so many failures."""
    return max_attempts is not None and attempts + 1 >= max_attempts
