"""Hands mail over to a mail server by SMTP (RFC 5321), with STARTTLS or TLS, and authentication."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Timer
from typing import Any
from urllib.parse import unquote, urlsplit

from autonomy_core.kernel.mail import Letter, MailAccount, MailerUnavailable, MailRefused
from autonomy_core.mail.domain import Stage, Verdict, judge

LONGEST_CONNECT_S = 10
SUBMISSION, SUBMISSIONS = 587, 465

_UNSENDABLE = re.compile(r"[\x00-\x20\x7f<>]")
"""smtplib would send only a part of such an address."""


class SmtpMailer:
    """``smtp://user@host:587`` requires STARTTLS; with ``?tls=none`` the connection is not encrypted.

    The certificate of the server is verified with the certification authorities of the operating system.
    """

    name = "smtp"

    @contextmanager
    def connect(self, account: MailAccount) -> Iterator[_Connection]:
        """Connect, encrypt and authenticate.

        Raises:
            MailerUnavailable: one of these failed.
        """
        with ExitStack() as closing:
            try:
                client = self._open(account)
                closing.callback(_leave, client)
                with _within(client, account.timeout_s):
                    self._prepare(client, account)
            except (OSError, smtplib.SMTPException, UnicodeError) as error:
                raise MailerUnavailable(f"{account.label}: {_described(error)}") from error
            yield _Connection(client, account)

    def _open(self, account: MailAccount) -> smtplib.SMTP:
        host, port = _place(account, SUBMISSION)
        return _Client(host, port, timeout=min(LONGEST_CONNECT_S, account.timeout_s))

    def _prepare(self, client: smtplib.SMTP, account: MailAccount) -> None:
        if urlsplit(account.url).query != "tls=none":
            client.starttls(context=ssl.create_default_context())
        _log_in(client, account)


class SmtpsMailer(SmtpMailer):
    """``smtps://user@host:465``: the connection is encrypted from its beginning (RFC 8314)."""

    name = "smtps"

    def _open(self, account: MailAccount) -> smtplib.SMTP:
        host, port = _place(account, SUBMISSIONS)
        context = ssl.create_default_context()
        return _EncryptedClient(
            host, port, timeout=min(LONGEST_CONNECT_S, account.timeout_s), context=context
        )

    def _prepare(self, client: smtplib.SMTP, account: MailAccount) -> None:
        _log_in(client, account)


def _place(account: MailAccount, default_port: int) -> tuple[str, int]:
    parts = urlsplit(account.url)
    return str(parts.hostname), parts.port or default_port


def _log_in(client: smtplib.SMTP, account: MailAccount) -> None:
    user = urlsplit(account.url).username
    if user is not None:
        client.login(unquote(user), account.password.reveal() if account.password is not None else "")


def _leave(client: smtplib.SMTP) -> None:
    with suppress(OSError, smtplib.SMTPException), _within(client, LONGEST_CONNECT_S):
        client.quit()
    client.close()


class _LimitedConnect:
    """Limits the time in which the constructor connects and reads the greeting."""

    timeout: float

    def connect(self, *place: Any, **options: Any) -> Any:
        """Connect, as `smtplib.SMTP` does."""
        with _within(self, self.timeout):
            return super().connect(*place, **options)  # type: ignore[misc]


class _Client(_LimitedConnect, smtplib.SMTP):
    """A client that connects in a limited time."""


class _EncryptedClient(_LimitedConnect, smtplib.SMTP_SSL):
    """A client with TLS that connects in a limited time."""


class _Connection:
    """A connection on which one mail after the other is handed over."""

    def __init__(self, client: smtplib.SMTP, account: MailAccount) -> None:
        self._client = client
        self._account = account

    def deliver(self, letter: Letter) -> str:
        """Hand over a mail.

        Raises:
            MailRefused: the server did not accept it.
            MailerUnavailable: the connection is lost, or the server refuses all mail.
        """
        try:
            # The server may answer the last byte only after it has checked the mail.
            if self._client.sock is not None:
                self._client.sock.settimeout(self._account.timeout_s)
            with _within(self._client, self._account.timeout_s):
                return self._hand_over(letter)
        except smtplib.SMTPDataError as error:
            return self._accepted("data", error.smtp_code, _bytes(error.smtp_error))
        except (ValueError, smtplib.SMTPNotSupportedError) as error:
            # An address that cannot be written in a command.
            self._reset()
            raise MailRefused(_described(error), permanent=True) from error
        except (OSError, smtplib.SMTPException) as error:
            self._client.close()
            raise MailerUnavailable(f"{self._account.label}: {_described(error)}") from error

    def _hand_over(self, letter: Letter) -> str:
        client = self._client
        for address in (letter.sender, letter.recipient):
            if _UNSENDABLE.search(address):
                raise ValueError("an address contains a character that ends it")
        client.ehlo_or_helo_if_needed()
        options: list[str] = []
        if letter.needs_smtputf8:
            if not client.has_extn("smtputf8"):
                raise smtplib.SMTPNotSupportedError("the mail server supports no addresses in UTF-8")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        # smtplib writes commands in this encoding; mail() sets it only for the sender.
        client.command_encoding = "utf-8" if letter.needs_smtputf8 else "ascii"
        self._accepted("sender", *client.mail(letter.sender, options))
        self._accepted("recipient", *client.rcpt(letter.recipient))
        return self._accepted("data", *client.data(letter.as_bytes()))

    def _accepted(self, stage: Stage, code: int, answer: bytes) -> str:
        """Return the answer to a command that was accepted.

        Raises:
            MailRefused, MailerUnavailable: it was not.
        """
        text = f"{code} {answer.decode('utf-8', 'replace')}"
        verdict = judge(stage, text)
        if verdict == Verdict.ACCEPTED:
            return text
        if verdict == Verdict.ACCOUNT_REFUSED:
            self._client.close()
            raise MailerUnavailable(f"{self._account.label}: {text}")
        self._reset()
        permanent = verdict in {Verdict.BAD_ADDRESS, Verdict.REJECTED}
        raise MailRefused(text, permanent=permanent, bad_address=verdict == Verdict.BAD_ADDRESS)

    def _reset(self) -> None:
        """Prepare the connection for the next mail. If that fails, the next mail finds it closed."""
        try:
            with _within(self._client, LONGEST_CONNECT_S):
                self._client.rset()
        except (OSError, smtplib.SMTPException):
            self._client.close()


@contextmanager
def _within(client: Any, seconds: float) -> Iterator[None]:
    """End the connection after a time, even if the server sends a byte now and then.

    Raises:
        TimeoutError: the time is over. An answer that was cut off could look like a complete one.
    """
    is_over = Event()

    def cut() -> None:
        is_over.set()
        with suppress(OSError):
            if client.sock is not None:
                client.sock.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if is_over.is_set():
            raise TimeoutError(f"no answer within {seconds:g} s")


def _described(error: Exception) -> str:
    """Return an error in words, without what this process has sent."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_bytes(error.smtp_error).decode('utf-8', 'replace')}"
    if isinstance(error, UnicodeError):
        return "the user, the password or an address has characters that cannot be sent"
    return str(error) or type(error).__name__


def _bytes(answer: bytes | str) -> bytes:
    return answer if isinstance(answer, bytes) else answer.encode()
