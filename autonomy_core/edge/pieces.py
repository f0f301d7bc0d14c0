"""Reads bodies that are in a store, piece by piece, in threads that organisations share.

A store may accept a connection and never answer. Then each thread that reads from it waits until the store's
time is over. So one organisation never has more than half of the threads, and no client waits forever.
"""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from autonomy_core.edge.limits import MOST_CONNECTIONS
from autonomy_core.edge.pool import RETRY_AFTER_S, Job, Pool, Work
from autonomy_core.errors import AutonomyError, Unavailable
from autonomy_core.kernel.bodies import StreamedBody
from autonomy_core.turns import FairTurns, TurnsBusy

log = structlog.get_logger(__name__)

THREADS = 16
"""The number of threads that read. A slow client occupies none of them."""

MOST_EACH = THREADS // 2
"""The number of threads that one organisation may have."""


class Pieces:
    """The threads of a process that read pieces.

    Args:
        longest_s: the maximum time for a piece, with the wait for a thread, in seconds.
    """

    def __init__(self, longest_s: float) -> None:
        self.longest_s = longest_s
        self._pool = Pool("piece", THREADS)
        self._turns = FairTurns(THREADS, MOST_CONNECTIONS, MOST_EACH)

    async def start(self, organisation_id: str, work: Work) -> Job:
        """Let a thread call a function, as soon as the organisation may have one.

        Raises:
            TurnsBusy: too many wait.
        """
        came = asyncio.get_running_loop().create_future()
        given = partial(_set, came)
        if not self._turns.take(organisation_id, given):
            try:
                await came
            except BaseException:
                if not self._turns.leave(organisation_id, given):
                    self._turns.release(organisation_id)
                raise
        job = self._pool.start(work)
        job.ended.add_done_callback(lambda _: self._turns.release(organisation_id))
        return job


def _set(came: asyncio.Future[None]) -> None:
    if not came.done():
        came.set_result(None)


class PieceReader:
    """Reads one body.

    Args:
        body: the body.
        pieces: the threads.
    """

    def __init__(self, body: StreamedBody, pieces: Pieces) -> None:
        self._body, self._pieces = body, pieces
        self._job: Job | None = None

    async def read(self, size: int) -> bytes:
        """Return the next bytes, at most so many; none at the end.

        Raises:
            Unavailable: they did not come in time.
            AutonomyError: they cannot be read.
        """
        organisation_id = self._body.organisation_id
        try:
            async with asyncio.timeout(self._pieces.longest_s):
                self._job = await self._pieces.start(organisation_id, partial(_attempt, self._body, size))
                outcome = await self._job.answer
        except (TimeoutError, TurnsBusy):
            log.warning("answer.not_read_in_time", organisation=organisation_id)
            detail = "The file could not be read in time."
            raise Unavailable(detail, extra={"retry_after": RETRY_AFTER_S}) from None
        if isinstance(outcome, BaseException):
            raise outcome
        return bytes(outcome)

    def close(self) -> None:
        """Close the body, at the latest when no thread uses it any more."""
        if self._job is None:
            self._body.close()
        else:
            self._job.ended.add_done_callback(lambda _: self._body.close())


def _attempt(body: StreamedBody, size: int) -> bytes | BaseException:
    try:
        return body.read(size)
    except AutonomyError as error:
        return error.with_traceback(None)  # where it was raised, the reason was logged
    except BaseException as error:
        log.exception("answer.not_read")
        return error.with_traceback(None)
