"""The ASGI application in front of the WSGI one."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import structlog

from autonomy_core.edge.answer import Answer, Application, FileAnswer, Send, call, send_answer, send_file
from autonomy_core.edge.body import Body, Receive, Spool, Wanted, asked_about
from autonomy_core.edge.crowd import Crowd
from autonomy_core.edge.environ import Environ, Scope, make_environ
from autonomy_core.edge.limits import Limits
from autonomy_core.edge.pool import WAITING_PER_THREAD, Pool, TooMuchWaits
from autonomy_core.edge.sockets import HangUp
from autonomy_core.errors import AutonomyError
from autonomy_core.traversal.target import refused

log = structlog.get_logger(__name__)

LANES = {"/health/live": 1, "/health/ready": 2, "/metrics": 1}
"""The paths with threads of their own, and how many: they are answered whatever the others do."""

CRASHED = Answer(500, [(b"content-type", b"text/plain")], b"The error has been logged.\n")

REFUSING = 2
"""How many threads refuse. A refusal asks no database; as many may wait as there are connections."""


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
        body = Body(receive, environ, self._limits, self._spool)
        try:
            answer = await self._answer(environ, body)
            if isinstance(answer.body, FileAnswer):
                await self._send_file(environ, answer, answer.body, receive, send)
                return
            await send_answer(answer, send)
            if answer.ends_connection and not await body.drain():
                self._hang_up.on(*scope["client"])
        finally:
            body.close()

    async def _answer(self, environ: Environ, body: Body) -> Answer:
        try:
            return await self._answer_to(environ, body)
        except AutonomyError as error:
            return (await self._refuse(environ, error)).end_connection()

    async def _answer_to(self, environ: Environ, body: Body) -> Answer:
        if not await body.arrive_at_once():
            wanted = Wanted(self._limits.plain_bytes)
            # Who is refused whatever the body says is refused now.
            refusal = await self._call(asked_about(environ, wanted))
            if refusal is not None:
                return refusal.end_connection()
            with self._crowd.joined(environ["REMOTE_ADDR"]):
                await body.arrive(wanted.most_bytes)
        return await self._call(body.in_environ(environ)) or CRASHED

    async def _refuse(self, environ: Environ, error: AutonomyError) -> Answer:
        # Without its traceback, which would keep all that this request has to do with.
        # By threads of their own: one reason to refuse is that the others are busy.
        return await self._call(refused(environ, error.with_traceback(None)), self._refusals) or CRASHED

    async def _call(self, environ: Environ, pool: Pool | None = None) -> Answer | None:
        pool = pool or self._lanes.get(environ["PATH_INFO"], self._pool)
        try:
            answer: Answer | None = await pool.run(
                partial(call, self._application, environ, self._limits.spool)
            )
        except TooMuchWaits:
            raise
        except (Exception, SystemExit):
            log.exception("request.crashed", method=environ["REQUEST_METHOD"])
            return CRASHED
        return answer

    async def _send_file(
        self, environ: Environ, answer: Answer, file: FileAnswer, receive: Receive, send: Send
    ) -> None:
        try:
            with self._crowd.joined(environ["REMOTE_ADDR"]):
                gone = asyncio.ensure_future(_until_gone(receive))
                try:
                    await send_file(answer, file, send, gone, self._limits.listener_s)
                finally:
                    gone.cancel()
        except AutonomyError as error:
            await send_answer(await self._refuse(environ, error), send)
        finally:
            file.close()


async def _until_gone(receive: Receive) -> Any:
    while (await receive())["type"] != "http.disconnect":
        pass
