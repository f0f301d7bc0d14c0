"""What a job is, and when its turns are."""

from __future__ import annotations

from zlib import crc32

from autonomy_core.kernel.retries import LONGEST_WAIT_S, TryAgain


def lock_of(job_name: str, organisation_id: str) -> str:
    """What keeps two runs of a periodic job in one organisation apart."""
    return f"{job_name}/{organisation_id}"


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
