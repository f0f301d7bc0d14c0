"""The rules of the outbox: what an answer of a server means, and when a mail is tried again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Literal
from uuid import UUID

import idna

FIRST_WAIT_S = 30
LONGEST_WAIT_S = 3600
GIVE_UP_AFTER = timedelta(days=3)

CLAIM_MARGIN_S = 30
"""How long a mail may be prepared, in seconds."""


def claim_seconds(timeout_s: int) -> int:
    """Return how long a claim lasts: longer than a mail can take on a connection that must be opened again.

    Args:
        timeout_s: the limit for each of three steps: a lost connection, the new one, and the mail on it.
    """
    return 3 * timeout_s + CLAIM_MARGIN_S


Stage = Literal["sender", "recipient", "data"]
"""The commands of SMTP that name the sender and the recipient, and the message itself."""


class Verdict(Enum):
    """What an answer of a mail server means for a mail."""

    ACCEPTED = auto()
    TRY_AGAIN = auto()
    REJECTED = auto()
    """This mail is never accepted."""
    BAD_ADDRESS = auto()
    """No mail to this address is ever accepted."""
    ACCOUNT_REFUSED = auto()
    """The server accepts no mail from us at all, now or until an operator changes something."""


_ANSWER = re.compile(r"(\d{3})(?: (\d\.\d{1,3}\.\d{1,3})\b)?", re.ASCII)

_BAD_ADDRESS = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""Enhanced status codes of mailboxes that do not exist (RFC 3463, RFC 7505)."""

_BAD_ADDRESS_WITHOUT_DETAIL = frozenset({"550", "551", "553"})
"""Codes for a recipient from servers without enhanced codes (RFC 5321, section 4.2.3)."""


def judge(stage: Stage, answer: str) -> Verdict:
    """Decide what an answer of a mail server means.

    A 5xx about the sender is a fault of the account and not of the mail, so the mail is not lost. The same
    holds for 530, which asks for authentication, and for 421, with which a server closes the connection.

    Args:
        stage: the command that was answered.
        answer: the code, and the text if there is one: ``550 5.1.1 No such user``.
    """
    found = _ANSWER.match(answer)
    code, detail = (found[1], found[2]) if found is not None else ("421", None)
    if code.startswith("2"):
        return Verdict.ACCEPTED
    if code in {"421", "530"} or (stage == "sender" and code.startswith("5")):
        return Verdict.ACCOUNT_REFUSED
    if not code.startswith("5"):
        return Verdict.TRY_AGAIN
    if detail in _BAD_ADDRESS:
        return Verdict.BAD_ADDRESS
    is_about_mailbox = stage == "recipient" and detail is None and code in _BAD_ADDRESS_WITHOUT_DETAIL
    return Verdict.BAD_ADDRESS if is_about_mailbox else Verdict.REJECTED


def domain_of(address: str) -> str:
    """Return the domain of an address in ASCII; ``localhost`` for a domain that has no such form."""
    domain = address.rpartition("@")[2]
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return "localhost"


def message_id_of(mail_id: UUID, sender: str) -> str:
    """Return the ``Message-ID`` of a mail: the same in every attempt (RFC 5322, section 3.6.4)."""
    return f"<{mail_id}@{domain_of(sender)}>"


def next_attempt(created_at: datetime, attempts: int, now: datetime) -> datetime | None:
    """Return when a mail is tried again, twice as late each time; None if it is given up.

    Args:
        created_at: when the mail was put into the outbox.
        attempts: the number of failed attempts, from 1 on.
        now: the current time.
    """
    if now - created_at >= GIVE_UP_AFTER:
        return None
    return now + timedelta(seconds=min(FIRST_WAIT_S * 2 ** min(attempts - 1, 30), LONGEST_WAIT_S))
