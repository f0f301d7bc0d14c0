"""The lock of a job, and the times of its runs."""

from __future__ import annotations

from zlib import crc32

from autonomy_core.kernel.retries import LONGEST_WAIT_S, TryAgain


def lock_of(job_name: str, organisation_id: str) -> str:
    """Return the lock that prevents concurrent runs of a periodic job in one organisation."""
    return f"{job_name}/{organisation_id}"


def turns(name: str, organisation_id: str, every: int, begin: int, end: int) -> range:
    """Return the times from ``begin`` until before ``end`` at which a periodic job is due in an organisation.

    Each organisation has its own offset within the period, so that thousands of jobs are not due at once. The
    offset is a hash of the names, so it needs no storage and survives restarts.

    Args:
        name: the job's name.
        organisation_id: the organisation.
        every: the period in seconds.
        begin, end: seconds since the epoch.
    """
    own_moment = crc32(f"{name}/{organisation_id}".encode()) % every
    return range(begin + (own_moment - begin) % every, end, every)


FIRST_WAIT_S = 2


def back_off(attempts: int, error: BaseException) -> int:
    """Return how many seconds to wait after a failure: twice as long each time, at most an hour.

    A `TryAgain` may give another limit.

    Args:
        attempts: the number of earlier failures.
        error: the failure.
    """
    longest = error.longest_wait_s if isinstance(error, TryAgain) else LONGEST_WAIT_S
    return min(FIRST_WAIT_S * 2 ** min(attempts, 30), longest)


def is_last_attempt(max_attempts: int | None, attempts: int) -> bool:
    """Return whether a job is given up if it fails after ``attempts`` earlier failures."""
    return max_attempts is not None and attempts + 1 >= max_attempts
