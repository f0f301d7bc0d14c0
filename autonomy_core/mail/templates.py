"""The kinds of mail that no feature sends: the test of an account, and the end of every mail."""

from __future__ import annotations

from autonomy_core.kernel.mail import MailTemplate

PACKAGE = "autonomy_core.mail"

TEMPLATES = (MailTemplate("mail.test", PACKAGE),)

FOOTER = MailTemplate("mail.footer", PACKAGE, sample={"unsubscribe_url": "https://shop.example/unsubscribe"})
"""A part of every mail. It has no subject, and cannot be sent."""
