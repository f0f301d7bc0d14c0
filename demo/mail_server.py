"""A real mail server on this machine, for demonstrations and tests. It keeps what it gets.

Tests set what it answers; see `MailServer`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

ACCEPTED = "250 2.0.0 Accepted"
STOP_WITHIN_S = 10


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that the server has got.

    Attributes:
        sender: the address in ``MAIL FROM``.
        recipient: the address in ``RCPT TO``.
        message: the headers and the body.
        connection: the number of the connection, from 1 on.
        user: the authenticated user; None without authentication.
        encrypted: whether the connection was encrypted.
    """

    sender: str
    recipient: str
    message: EmailMessage
    connection: int
    user: str | None
    encrypted: bool


@dataclass
class MailServer:
    """A mail server in a thread. Use it as a context manager.

    Attributes:
        port: its port; 0 until it has started, to choose a free one.
        directory: where mail is written, one ``.eml`` file each; None for memory only.
        certificate: encrypts connections; None for no encryption.
        implicit_tls: encrypt from the beginning of a connection, instead of with STARTTLS.
        supports_utf8: whether addresses may be in UTF-8 (RFC 6531).
        users: the passwords of the users. With users, mail needs authentication.
        answer_sender: returns the answer to ``MAIL FROM`` of an address.
        answer_recipient: returns the answer to ``RCPT TO`` of an address.
        answer_mail: returns the answer to a mail, which has been kept.
        received: the mail, oldest first.
        connections: how many connections were opened.
    """

    port: int = 0
    directory: Path | None = None
    certificate: ssl.SSLContext | None = None
    implicit_tls: bool = False
    supports_utf8: bool = True
    users: Mapping[str, str] = field(default_factory=dict)
    answer_sender: Callable[[str], str] = lambda _: "250 2.1.0 Sender ok"
    answer_recipient: Callable[[str], str] = lambda _: "250 2.1.5 Recipient ok"
    answer_mail: Callable[[SMTP, Received], Awaitable[str]] | None = None
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._arrived = Condition()

    def __enter__(self) -> Self:
        if self.directory is not None:
            # Mail has links that log in.
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="mail server", daemon=True)
        self._thread.start()
        self._server = self._run(self._listen()).result(STOP_WITHIN_S)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._stop()).result(STOP_WITHIN_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_WITHIN_S)
        self._loop.close()

    @property
    def url(self) -> str:
        """The address for ``autonomy.mail.url``."""
        scheme = "smtps" if self.implicit_tls else "smtp"
        query = "" if self.implicit_tls or self.certificate else "?tls=none"
        user = f"{next(iter(self.users))}@" if self.users else ""
        return f"{scheme}://{user}localhost:{self.port}{query}"

    def wait_for(self, count: int, within_s: float = 60) -> list[Received]:
        """Wait until so many mails have arrived, and return all.

        Raises:
            TimeoutError: they did not arrive in time.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.received) >= count, within_s):
                raise TimeoutError(f"{len(self.received)} of {count} mails have arrived")
            return list(self.received)

    def find(self, is_wanted: Callable[[Received], bool], within_s: float) -> Received | None:
        """Wait for a mail, and return the oldest that is wanted; None if none arrives in time."""
        with self._arrived:
            return self._arrived.wait_for(lambda: next(filter(is_wanted, self.received), None), within_s)

    def keep(self, received: Received) -> None:
        """Keep a mail."""
        with self._arrived:
            self.received.append(received)
            if self.directory is not None:
                number = 1 + sum(1 for _ in self.directory.glob("*.eml"))
                path = self.directory / f"{number:04}.eml"
                path.write_bytes(received.message.as_bytes(policy=policy.SMTP))
            self._arrived.notify_all()

    def _run(self, work: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _listen(self) -> asyncio.Server:
        encrypted = self.certificate if self.implicit_tls else None
        return await self._loop.create_server(self._session, "localhost", self.port, ssl=encrypted)

    def _session(self) -> SMTP:
        self.connections += 1
        by_command = None if self.implicit_tls else self.certificate
        return SMTP(
            _Handler(self, self.connections),
            enable_SMTPUTF8=self.supports_utf8,
            tls_context=by_command,
            require_starttls=by_command is not None,
            auth_require_tls=by_command is not None,
            authenticator=self._authenticate,
            loop=self._loop,
        )

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any
    ) -> Any:
        user = data.login.decode()
        if self.users.get(user) == data.password.decode():
            return AuthResult(success=True, auth_data=user)
        return AuthResult(success=False, handled=False)

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class _Handler:
    """Answers the commands of one connection."""

    def __init__(self, server: MailServer, connection: int) -> None:
        self._server = server
        self._connection = connection

    async def handle_MAIL(  # noqa: N802 - aiosmtpd calls it by this name
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer ``MAIL FROM``."""
        if self._server.users and not session.authenticated:
            return "530 5.7.0 Authentication required"
        answer = self._server.answer_sender(address)
        if answer.startswith("2"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer ``RCPT TO``."""
        answer = self._server.answer_recipient(address)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail, and answer it."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        received = Received(
            sender=envelope.mail_from or "",
            recipient=", ".join(envelope.rcpt_tos),
            message=BytesParser(EmailMessage, policy=policy.default).parsebytes(content),
            connection=self._connection,
            user=session.auth_data if session.authenticated else None,
            encrypted=session.ssl is not None or self._server.implicit_tls,
        )
        self._server.keep(received)
        if self._server.answer_mail is None:
            return ACCEPTED
        return await self._server.answer_mail(smtp, received)
