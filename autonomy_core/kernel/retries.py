"""Exceptions that let a job run again. This module imports no framework."""

from __future__ import annotations

LONGEST_WAIT_S = 3600


class TryAgain(Exception):
    """Raised by a job that wants to commit its work and run again later.

    The transaction is committed, and the job runs again after the back-off. Any other exception rolls back.

    Args:
        reason: what the job waits for, for operators.
        longest_wait_s: the upper limit of the back-off, in seconds. Use more than an hour if only an operator
            can remove the cause.
    """

    def __init__(self, reason: str = "", *, longest_wait_s: int = LONGEST_WAIT_S) -> None:
        super().__init__(reason)
        self.longest_wait_s = longest_wait_s


class CannotRunNow(Exception):
    """A job cannot run at present. It waits without counting an attempt.

    The message says what it waits for.
    """
