"""Mail, for plugins: templates, the outbox, mailers, and the URLs of links in mails."""

from __future__ import annotations

from autonomy_core.kernel.mail import (
    Letter,
    Mail,
    MailAccount,
    MailConnection,
    Mailer,
    MailerUnavailable,
    MailRefused,
    MailTemplate,
    NotSent,
)
from autonomy_core.kernel.urls import NoHost, api_url, site_url
from autonomy_core.mail.services import NotSendable, send

__all__ = [
    "Letter",
    "Mail",
    "MailAccount",
    "MailConnection",
    "MailRefused",
    "MailTemplate",
    "Mailer",
    "MailerUnavailable",
    "NoHost",
    "NotSendable",
    "NotSent",
    "api_url",
    "send",
    "site_url",
]
