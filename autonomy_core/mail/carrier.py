"""The connection on which one turn hands over an organisation's mail."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from autonomy_core.kernel.mail import Letter, MailAccount, MailConnection, MailerUnavailable, MailRefused
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.mail.settings import mail_settings


class Carrier:
    """Hands over mail on one connection, which it opens for the first mail and again after it is lost.

    Attributes:
        account: the organisation's account.
        is_proven: whether it is noted that the account works.
    """

    def __init__(self, scope: TenantScope) -> None:
        self.account: MailAccount = mail_settings(scope).account
        self._mailer = runtime_of(scope).mailers.get(self.account.mailer)
        self._open = ExitStack()
        self._connection: MailConnection | None = None
        self._is_used = False
        self.is_proven = False

    def deliver(self, letter: Letter) -> str:
        """Hand over a mail; on a new connection if the server has closed the open one meanwhile.

        Raises:
            MailRefused, MailerUnavailable: see `MailConnection.deliver`.
        """
        if self._is_used:
            try:
                return self._deliver(letter)
            except MailerUnavailable:
                self._close()
        try:
            return self._deliver(letter)
        except MailRefused:
            raise
        except BaseException:
            # The state of the connection is unknown.
            self._close()
            raise

    def _deliver(self, letter: Letter) -> str:
        if self._connection is None:
            if self._mailer is None:
                raise MailerUnavailable(f"no installed plugin has a mailer {self.account.mailer!r}")
            self._connection = self._open.enter_context(self._mailer.connect(self.account))
        try:
            return self._connection.deliver(letter)
        finally:
            self._is_used = True

    def _close(self) -> None:
        self._connection, self._is_used = None, False
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()
