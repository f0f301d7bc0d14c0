"""An organisation's settings of mail: its section ``[mail]``, and the server's keys as defaults."""

from __future__ import annotations

from dataclasses import dataclass

from autonomy_core.kernel.mail import MailAccount
from autonomy_core.kernel.scope import TenantScope

DEFAULT_URL = "directory:mail"
"""Without an account, mail is written into files. A fresh installation works, and sends nothing."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How an organisation sends mail.

    Attributes:
        account: where mail is handed over.
        from_address: the address in ``From``.
        from_name: the name in ``From``.
        reply_to: the address for answers; None for ``from_address``.
        staff: the address of the organisation's staff, for notices; None for none.
        colour: the colour of the layout, ``#rrggbb``; None for the default.
        logo: the URL of the logo; None for none.
    """

    account: MailAccount
    from_address: str
    from_name: str
    reply_to: str | None
    staff: str | None
    colour: str | None
    logo: str | None


def mail_settings(scope: TenantScope) -> MailSettings:
    """Return how an organisation sends mail."""
    own, server = scope.organisation.settings.get("mail", {}), scope.server
    url, password = server.mail_url or DEFAULT_URL, server.mail_password
    if own.get("url"):
        url, password = own["url"], own["password"]
    account = MailAccount(url, password, timeout_s=server.mail_timeout, data=server.data)
    return MailSettings(
        account=account,
        from_address=own.get("from_address") or server.mail_from or _default_sender(scope),
        from_name=own.get("from_name") or scope.organisation.name,
        reply_to=own.get("reply_to"),
        staff=own.get("staff"),
        colour=own.get("colour"),
        logo=own.get("logo"),
    )


def _default_sender(scope: TenantScope) -> str:
    host = next(iter(scope.hosts), "localhost").rpartition(":")
    return f"no-reply@{host[0] or host[2]}"
