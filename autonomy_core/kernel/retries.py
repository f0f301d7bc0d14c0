"""What a job raises to be run again. No framework."""

from __future__ import annotations

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
