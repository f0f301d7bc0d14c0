"""Mail: what features and plugins register, and what a mailer gets and raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from uuid import UUID

from autonomy_core.callables import require_plain

if TYPE_CHECKING:
    from pathlib import Path

    from autonomy_core.kernel.scope import TenantScope
    from autonomy_core.tenancy.secrets import Secret

__all__ = [
    "Letter",
    "Mail",
    "MailAccount",
    "MailConnection",
    "MailRefused",
    "MailTemplate",
    "Mailer",
    "MailerUnavailable",
    "NotSent",
]


class NotSent(Exception):
    """Raised by `MailTemplate.prepare`: the mail is not sent, now or later.

    The message is the reason. Staff see it, so it must not contain a secret.
    """


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of the outbox.

    Attributes:
        id: the mail's id.
        template: the name of its template.
        to: the address of the recipient.
        values: the values that `send` was given.
        customer_id: the customer whom it concerns; None if there is none.
        locale: the language that `send` was given, a BCP 47 tag; None for the organisation's.
        created_at: when it was put into the outbox.
        message_id: the header ``Message-ID``, the same in every attempt.
    """

    id: UUID
    template: str
    to: str
    values: Mapping[str, Any]
    customer_id: UUID | None
    locale: str | None
    created_at: datetime
    message_id: str


Prepare = Callable[["TenantScope", Mail], Mapping[str, Any]]
"""What the worker calls before it renders a mail; see `MailTemplate`."""


UnsubscribeUrl = Callable[["TenantScope", Mail], str]
"""Returns the URL with which the customer of a bulk mail unsubscribes (RFC 8058), or raises `NotSent`."""


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """A kind of mail.

    Attributes:
        name: ``<plugin or feature>.<what>``, for example ``payments.receipt``.
        package: the package that has the sources of the texts, for example ``bonus_track``. They are in its
            directory ``mail``.
        sample: values for previews and tests, those that `prepare` would add included.
        prepare: called by the worker before it renders the mail, in the transaction of the delivery. It
            returns further values, for example a single-use token that it creates. So no token is stored in
            the outbox. A value ``locale`` replaces the language that `send` was given. It runs again for
            every attempt. It raises `NotSent` if the mail must not be sent.
        bulk: whether it is sent to many, for example a newsletter. Then it has a link that unsubscribes: that
            of the customer, or the value ``unsubscribe_url`` if the recipient is no customer. It is not sent
            without one, and not to a customer whose address is not proven.
    """

    name: str
    package: str
    sample: Mapping[str, Any] = field(default_factory=dict)
    prepare: Prepare | None = None
    bulk: bool = False

    def __post_init__(self) -> None:
        if self.prepare is not None:
            require_plain(f"mail template {self.name}: prepare", self.prepare, 2)


@dataclass(frozen=True, slots=True)
class MailAccount:
    """Where mail is handed over.

    Attributes:
        url: the address of the server or directory. Its scheme is the name of the mailer.
        password: the password of the account; None without one.
        timeout_s: the limit for handing over one mail, in seconds.
        data: the data directory of the server, for relative paths.
    """

    url: str
    password: Secret | None
    timeout_s: int
    data: Path

    @property
    def mailer(self) -> str:
        """The name of the mailer."""
        return self.url.partition(":")[0]

    @property
    def label(self) -> str:
        """The account for people and alarms, without the user: ``smtp://mail.example:587``."""
        scheme, separator, rest = self.url.partition("?")[0].partition("://")
        return f"{scheme}{separator}{rest.rpartition('@')[2]}"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is ready to be handed over.

    Attributes:
        mail_id: the mail's id, the same in every attempt. An API can use it as idempotency key.
        sender: the address that gets reports about failures.
        recipient: the address of the recipient, in ASCII unless ``needs_smtputf8``.
        message: the headers and the body.
        needs_smtputf8: whether an address can only be written in UTF-8 (RFC 6531).
    """

    mail_id: UUID
    sender: str
    recipient: str
    message: EmailMessage
    needs_smtputf8: bool = False

    def as_bytes(self) -> bytes:
        """The message as it is sent: in ASCII, except for the headers if ``needs_smtputf8``."""
        return self.message.as_bytes(policy=policy.SMTP.clone(utf8=self.needs_smtputf8, cte_type="7bit"))


class MailerUnavailable(Exception):
    """The account cannot be used now: no answer, no encryption, or wrong credentials. Mail waits.

    The message is the reason, for operators, without a secret.
    """


class MailRefused(Exception):
    """The server did not accept one mail.

    Args:
        answer: the answer of the server.
        permanent: whether repeating the mail is useless.
        bad_address: whether the recipient's mailbox does not exist, so that no mail can reach it.
    """

    def __init__(self, answer: str, *, permanent: bool, bad_address: bool = False) -> None:
        super().__init__(answer)
        self.answer = answer
        self.permanent = permanent
        self.bad_address = permanent and bad_address


class MailConnection(Protocol):
    """An open connection of a mailer, for several mails."""

    def deliver(self, letter: Letter) -> str:
        """Hand over one mail, and return the answer of the server.

        The same mail may be handed over twice, with the same ``Message-ID``.

        Raises:
            MailRefused: the server did not accept this mail. The connection stays usable.
            MailerUnavailable: the connection is lost, or the account cannot be used.
        """


@runtime_checkable
class Mailer(Protocol):
    """A way to hand over mail."""

    name: str
    """The scheme of the URLs that select it: ``smtp`` of ``smtp://mail.example``."""

    def connect(self, account: MailAccount) -> AbstractContextManager[MailConnection]:
        """Open a connection for several mails. It is called in no transaction.

        Raises:
            MailerUnavailable: the account cannot be used now.
        """
