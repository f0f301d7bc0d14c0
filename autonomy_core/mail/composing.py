"""Makes a MIME message of a rendered mail.

On the wire the message is ASCII: headers are encoded words, bodies are quoted-printable or base64, and
domains are punycode. Only an address whose local part is not ASCII needs a server with SMTPUTF8 (RFC 6531).
"""

from __future__ import annotations

import re
from datetime import datetime
from email.header import Header
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UniqueSingleAddressHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime
from typing import Any

import idna

from autonomy_core.kernel.mail import Letter, Mail, MailTemplate
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.mail.markup import one_line
from autonomy_core.mail.rendering import Rendered
from autonomy_core.mail.settings import mail_settings

LONGEST_ADDRESS = 254
"""In characters (RFC 5321, section 4.5.3.1.3)."""

_LOCAL_PART = re.compile(r"[^\s\x00-\x1f\x7f()<>\[\]:;@\\,\"]{1,64}")


LONGEST_QUOTED = 60
"""A longer name is an encoded word, which can be folded."""


class _AsGiven(BaseHeader):
    """A header that is stored as it was given.

    The library would decode an encoded word in a value, which may contain line endings. It loses the quotes
    of a long name, and encodes a long address in a header that no mailbox decodes.
    """

    max_count = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        """Store the value."""
        kwds["decoded"], kwds["parse_tree"] = value, None

    def fold(self, *, policy: Policy[Any]) -> str:
        """The header on one line, which may have 998 characters (RFC 5322, section 2.1.1)."""
        return f"{self.name}: {self}{policy.linesep}"


class _Text(_AsGiven):
    """A text for people, as encoded words (RFC 2047) if it is not ASCII."""

    def fold(self, *, policy: Policy[Any]) -> str:
        """The header in lines."""
        return f"{self.name}: {_encoded(str(self), self.name, policy)}{policy.linesep}"


class _Mailbox(UniqueSingleAddressHeader, BaseHeader):  # type: ignore[misc]
    """One address with a name."""

    def fold(self, *, policy: Policy[Any]) -> str:
        """The header in lines."""
        name, address = self.address.display_name, self.address.addr_spec
        if name.isascii() and "=?" not in name and len(name) <= LONGEST_QUOTED:
            phrase = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"' if name else ""
        else:
            phrase = Header(name, "utf-8", header_name=self.name).encode(linesep=policy.linesep)
        fits = len(phrase.rpartition("\n")[2]) + len(address) < 60
        space = " " if fits else f"{policy.linesep} "
        shown = f"{phrase}{space}<{address}>" if phrase else address
        return f"{self.name}: {shown}{policy.linesep}"


def _encoded(text: str, header: str, policy: Policy[Any]) -> str:
    charset = "us-ascii" if text.isascii() and "=?" not in text else "utf-8"
    return Header(text, charset, header_name=header).encode(linesep=policy.linesep)


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _AsGiven)
_HEADERS.map_to_type("message-id", _AsGiven)
_HEADERS.map_to_type("subject", _Text)
for _name in ("from", "to", "reply-to"):
    _HEADERS.map_to_type(_name, _Mailbox)

_POLICY = SMTP.clone(cte_type="7bit", header_factory=_HEADERS)


class BadAddress(ValueError):
    """An address cannot be written into a mail. The message is the reason."""


def compose(scope: TenantScope, template: MailTemplate, mail: Mail, rendered: Rendered) -> Letter:
    """Make the letter that a mailer hands over.

    Args:
        scope: the scope of the organisation.
        template: the template.
        mail: the mail.
        rendered: its texts.

    Raises:
        BadAddress: an address is not one.
    """
    settings = mail_settings(scope)
    sender, recipient = address_of(settings.from_address, settings.from_name), address_of(mail.to)
    message = message_of(
        rendered,
        message_id=mail.message_id,
        at=mail.created_at,
        sender=sender,
        recipient=recipient,
        reply_to=address_of(settings.reply_to) if settings.reply_to else None,
        is_bulk=template.bulk,
    )
    return Letter(
        mail.id,
        sender.addr_spec,
        recipient.addr_spec,
        message,
        needs_smtputf8=getattr(message.policy, "utf8", False),
    )


def message_of(
    rendered: Rendered,
    *,
    message_id: str,
    at: datetime,
    sender: Address,
    recipient: Address,
    reply_to: Address | None = None,
    is_bulk: bool = False,
) -> EmailMessage:
    """Make the message with its two bodies.

    Args:
        rendered: the texts.
        message_id: the header ``Message-ID``.
        at: the header ``Date``, timezone-aware.
        sender: the header ``From``.
        recipient: the header ``To``.
        reply_to: the header ``Reply-To``; None for none.
        is_bulk: whether the recipient can unsubscribe, if the texts have an address for that.
    """
    addresses = [each.addr_spec for each in (sender, recipient, reply_to) if each]
    message = EmailMessage(_POLICY.clone(utf8=not all(address.isascii() for address in addresses)))
    message["Message-ID"] = message_id
    message["Date"] = format_datetime(at)
    message["From"] = sender
    message["To"] = recipient
    if reply_to is not None:
        message["Reply-To"] = reply_to
    message["Subject"] = one_line(rendered.subject)
    # So that no mailbox answers with a notice of absence (RFC 3834, section 5).
    message["Auto-Submitted"] = "auto-generated"
    if is_bulk and rendered.unsubscribe_url is not None:
        message["List-Unsubscribe"] = f"<{rendered.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    # Last, because the library moves such headers into the first body.
    message["Content-Language"] = rendered.language
    return message


def address_of(address: str, name: str = "") -> Address:
    """Return an address for a header, with its domain in punycode.

    Args:
        address: ``reader@bücher.example``.
        name: the name that is shown with it.

    Returns:
        The address ``reader@xn--bcher-kva.example``. The local part is unchanged.

    Raises:
        BadAddress: it is not an address, or its domain has no such form.
    """
    local, _, domain = address.rpartition("@")
    if not _LOCAL_PART.fullmatch(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        raise BadAddress("the part before the @ cannot be written into a mail")
    try:
        ascii_domain = idna.encode(domain, uts46=True, transitional=False).decode()
    except idna.IDNAError:
        raise BadAddress("the part after the @ is no domain") from None
    if len(local) + 1 + len(ascii_domain) > LONGEST_ADDRESS:
        raise BadAddress(f"it is longer than {LONGEST_ADDRESS} characters")
    # Not as addr_spec, which refuses a local part that is not ASCII.
    return Address(one_line(name), username=local, domain=ascii_domain)
