"""The ASGI application that runs the WSGI application."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import structlog

from autonomy_core.edge.answer import (
    Answer,
    Application,
    Send,
    Stream,
    call,
    reader_of,
    send_answer,
    send_stream,
)
from autonomy_core.edge.body import Body, Receive, Spool, Wanted, asked_about
from autonomy_core.edge.crowd import Crowd
from autonomy_core.edge.environ import Environ, Scope, make_environ
from autonomy_core.edge.errors import AnswerTooSlow, BodyTooSlow
from autonomy_core.edge.limits import Limits
from autonomy_core.edge.pieces import Pieces
from autonomy_core.edge.pool import WAITING_PER_THREAD, Job, Pool
from autonomy_core.edge.sockets import HangUp
from autonomy_core.errors import AutonomyError, BrokenOff, Unavailable
from autonomy_core.traversal.target import REFUSAL, refused

log = structlog.get_logger(__name__)

LANES = {"/health/live": 1, "/health/ready": 2, "/metrics": 1}
"""Paths with their own threads, and the numbers of threads, so that they are answered under any load."""

CRASHED = Answer(500, [(b"content-type", b"text/plain")], b"The error has been logged.\n")

REFUSAL_THREADS = 2
"""The number of threads for rejections. A rejection needs no database; all connections may queue for one."""

WATCHED_AFTER_S = 1.0
"""If the client disconnects after this time, in seconds, a request that no thread has started is dropped."""

RETRY_LATER = {"retry_after": 30}


class Edge:
    """Calls the application for complete requests, and sends its answers.

    Args:
        application: the WSGI application.
        limits: the limits for clients.
        threads: the number of requests that run concurrently.
    """

    def __init__(self, application: Application, limits: Limits, threads: int) -> None:
        self._application, self._limits = application, limits
        self._spool = Spool(limits)
        self._crowd = Crowd(limits.per_address)
        self._hang_up = HangUp()
        self._pool = Pool("request", threads, threads * WAITING_PER_THREAD)
        self._refusals = Pool("refusal", REFUSAL_THREADS)
        self._pieces = Pieces(limits.answer_s)
        self._lanes = {path: Pool(path.rpartition("/")[2], number) for path, number in LANES.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. This is the ASGI entry point."""
        environ = make_environ(scope)
        self._hang_up.not_on(scope["client"])
        body = Body(receive, environ, self._limits, self._spool)
        try:
            answer = await self._answer(environ, body)
            if isinstance(answer.body, Stream):
                await self._send_stream(environ, answer, answer.body, body, send)
                return
            await send_answer(answer, send)
            if answer.ends_connection and not await body.drain():
                self._hang_up.on(scope["client"])
        finally:
            body.close()

    async def _answer(self, environ: Environ, body: Body) -> Answer:
        try:
            return await self._answer_to(environ, body)
        except AutonomyError as error:
            return (await self._refuse(environ, error)).end_connection()

    async def _answer_to(self, environ: Environ, body: Body) -> Answer:
        if (refusal := environ.get(REFUSAL)) is not None:
            raise refusal
        if not await self._arrives_at_once(body):
            wanted = Wanted(self._limits.plain_bytes)
            # Reject requests now that are rejected whatever the body contains.
            refusal = await self._call(asked_about(environ, wanted))
            if refusal is not None:
                return refusal.end_connection()
            with self._crowd.joined(environ["REMOTE_ADDR"]):
                await self._arrive(environ, body, wanted)
        return await self._call(body.in_environ(environ), body) or CRASHED

    async def _arrives_at_once(self, body: Body) -> bool:
        try:
            return await body.arrive_at_once()
        except BrokenOff:
            if not body.received:
                raise
            return False  # the application says whether it keeps the part

    async def _arrive(self, environ: Environ, body: Body, wanted: Wanted) -> None:
        try:
            await body.arrive(wanted.most_bytes)
        except (BrokenOff, BodyTooSlow):
            if wanted.keeps_part and await body.end_early():
                await self._call(body.in_environ(environ), body)
            raise

    async def _refuse(self, environ: Environ, error: AutonomyError) -> Answer:
        # Without the traceback, which would keep the request's objects in memory.
        # In separate threads, because the other threads may all be busy.
        return await self._call(refused(environ, error.with_traceback(None)), pool=self._refusals) or CRASHED

    async def _call(
        self, environ: Environ, body: Body | None = None, pool: Pool | None = None
    ) -> Answer | None:
        """Call the application in a thread.

        Raises:
            BrokenOff: the client disconnected before a thread started the request. A started request is
                completed.
            Unavailable: no thread was free before the deadline.
            AnswerTooSlow: a thread has started, but did not finish before the deadline.
        """
        pool = pool or self._lanes.get(environ["PATH_INFO"], self._pool)
        job = pool.start(partial(_call, self._application, environ, self._limits.spool))
        if body is not None:
            body.lend(job.ended)
        # Most requests are answered earlier, and not watching the client is cheaper.
        late = asyncio.get_running_loop().call_later(WATCHED_AFTER_S, self._watch, job, body)
        try:
            answer: Answer | None = await job.answer
        finally:
            late.cancel()
        return answer

    def _watch(self, job: Job, body: Body | None) -> None:
        """Stop waiting for a slow answer when the client disconnects, or at the deadline."""
        if body is not None:
            gone = BrokenOff("The client has gone before its request was begun.")
            body.gone().add_done_callback(lambda _: job.withdraw(gone))
        rest_s = self._limits.answer_s - WATCHED_AFTER_S
        deadline = asyncio.get_running_loop().call_later(rest_s, _give_up, job)
        job.answer.add_done_callback(lambda _: deadline.cancel())

    async def _send_stream(
        self, environ: Environ, answer: Answer, stream: Stream, body: Body, send: Send
    ) -> None:
        reader = reader_of(stream, self._pieces)
        try:
            with self._crowd.joined(environ["REMOTE_ADDR"]):
                await send_stream(answer, reader.read, send, body.gone(), self._limits.listener_s)
        except AutonomyError as error:
            await send_answer(await self._refuse(environ, error), send)
        finally:
            reader.close()


def _call(application: Application, environ: Environ, spool: Path) -> Answer | None:
    """Call the application in this thread. Log a crash, even if the client has disconnected."""
    try:
        return call(application, environ, spool)
    except AutonomyError as error:
        # The body could not be made, for example because a store stopped in the middle of a file.
        return call(application, refused(environ, error.with_traceback(None)), spool)
    except BaseException:
        log.exception("request.crashed", method=environ["REQUEST_METHOD"])
        return CRASHED


def _give_up(job: Job) -> None:
    if not job.withdraw(Unavailable("No thread was free in time.", extra=RETRY_LATER)):
        job.leave(
            AnswerTooSlow(
                "Look at what it has done, or repeat it with its Idempotency-Key.", extra=RETRY_LATER
            )
        )
