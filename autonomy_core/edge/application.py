"""The ASGI application in front of the WSGI one."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import structlog

from autonomy_core.edge.answer import Answer, Application, FileAnswer, Send, call, send_answer, send_file
from autonomy_core.edge.body import Body, Receive, Spool, Wanted, asked_about
from autonomy_core.edge.crowd import Crowd
from autonomy_core.edge.environ import Environ, Scope, make_environ
from autonomy_core.edge.errors import AnswerTooSlow
from autonomy_core.edge.limits import Limits
from autonomy_core.edge.pool import WAITING_PER_THREAD, Job, Pool
from autonomy_core.edge.sockets import HangUp
from autonomy_core.errors import AutonomyError, BrokenOff, Unavailable
from autonomy_core.traversal.target import REFUSAL, refused

log = structlog.get_logger(__name__)

LANES = {"/health/live": 1, "/health/ready": 2, "/metrics": 1}
"""The paths with threads of their own, and how many: they are answered whatever the others do."""

CRASHED = Answer(500, [(b"content-type", b"text/plain")], b"The error has been logged.\n")

REFUSING = 2
"""How many threads refuse. A refusal asks no database; as many may wait as there are connections."""

WATCHED_AFTER_S = 1.0
"""A request that has no answer by then is not begun any more when its client has gone."""

LATER = {"retry_after": 30}


class Edge:
    """Gives the application whole requests, and sends its answers.

    Args:
        application: the WSGI application.
        limits: what one client may take.
        threads: how many requests the application works on at once.
    """

    def __init__(self, application: Application, limits: Limits, threads: int) -> None:
        self._application, self._limits = application, limits
        self._spool = Spool(limits)
        self._crowd = Crowd(limits.per_address)
        self._hang_up = HangUp()
        self._pool = Pool("request", threads, threads * WAITING_PER_THREAD)
        self._refusals = Pool("refusal", REFUSING)
        self._lanes = {path: Pool(path.rpartition("/")[2], number) for path, number in LANES.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        environ = make_environ(scope)
        self._hang_up.not_on(scope["client"])
        body = Body(receive, environ, self._limits, self._spool)
        try:
            answer = await self._answer(environ, body)
            if isinstance(answer.body, FileAnswer):
                await self._send_file(environ, answer, answer.body, body, send)
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
        if not await body.arrive_at_once():
            wanted = Wanted(self._limits.plain_bytes)
            # Who is refused whatever the body says is refused now.
            refusal = await self._call(asked_about(environ, wanted))
            if refusal is not None:
                return refusal.end_connection()
            with self._crowd.joined(environ["REMOTE_ADDR"]):
                await body.arrive(wanted.most_bytes)
        return await self._call(body.in_environ(environ), body) or CRASHED

    async def _refuse(self, environ: Environ, error: AutonomyError) -> Answer:
        # Without its traceback, which would keep all that this request has to do with.
        # By threads of their own: one reason to refuse is that the others are busy.
        return await self._call(refused(environ, error.with_traceback(None)), pool=self._refusals) or CRASHED

    async def _call(
        self, environ: Environ, body: Body | None = None, pool: Pool | None = None
    ) -> Answer | None:
        """Have a thread call the application.

        Raises:
            BrokenOff: the client has gone before a thread began. What has begun is done to its end.
            Unavailable: no thread has begun in time.
            AnswerTooSlow: a thread has begun, and has not come to its end in time.
        """
        pool = pool or self._lanes.get(environ["PATH_INFO"], self._pool)
        job = pool.start(partial(_call, self._application, environ, self._limits.spool))
        if body is not None:
            body.lend(job.ended)
        # Most is done by then, and a client that is not watched costs less.
        late = asyncio.get_running_loop().call_later(WATCHED_AFTER_S, self._watch, job, body)
        try:
            answer: Answer | None = await job.answer
        finally:
            late.cancel()
        return answer

    def _watch(self, job: Job, body: Body | None) -> None:
        """End the wait for an answer that takes long: when the client has gone, or at the deadline."""
        if body is not None:
            gone = BrokenOff("The client has gone before its request was begun.")
            body.gone().add_done_callback(lambda _: job.withdraw(gone))
        rest_s = self._limits.answer_s - WATCHED_AFTER_S
        deadline = asyncio.get_running_loop().call_later(rest_s, _give_up, job)
        job.answer.add_done_callback(lambda _: deadline.cancel())

    async def _send_file(
        self, environ: Environ, answer: Answer, file: FileAnswer, body: Body, send: Send
    ) -> None:
        try:
            with self._crowd.joined(environ["REMOTE_ADDR"]):
                await send_file(answer, file, send, body.gone(), self._limits.listener_s)
        except AutonomyError as error:
            await send_answer(await self._refuse(environ, error), send)
        finally:
            file.close()


def _call(application: Application, environ: Environ, spool: Path) -> Answer | None:
    """Have the application answer, in this thread; if it crashes, that is logged, whether or not a client waits."""
    try:
        return call(application, environ, spool)
    except BaseException:
        log.exception("request.crashed", method=environ["REQUEST_METHOD"])
        return CRASHED


def _give_up(job: Job) -> None:
    if not job.withdraw(Unavailable("No thread was free in time.", extra=LATER)):
        job.leave(
            AnswerTooSlow("Look at what it has done, or repeat it with its Idempotency-Key.", extra=LATER)
        )
