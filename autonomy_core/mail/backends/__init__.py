"""The core's mailers."""

from __future__ import annotations

from autonomy_core.mail.backends.directory import DirectoryMailer
from autonomy_core.mail.backends.smtp import SmtpMailer, SmtpsMailer

MAILERS = (DirectoryMailer(), SmtpMailer(), SmtpsMailer())
