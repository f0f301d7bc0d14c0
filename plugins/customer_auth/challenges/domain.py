"""The rules of challenges: purposes, lifetimes, codes, and which end together. No framework, no clock."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Purpose(StrEnum):
    """What the proof of a mailbox is good for. A challenge of one purpose is useless for any other."""

    VERIFY = "verify"
    RESET = "reset"
    SIGN_IN = "sign_in"
    LIBRARY = "library"
    CHANGE = "email_change"
    UNDO = "email_undo"


LIFETIMES = {
    Purpose.VERIFY: timedelta(hours=24),
    Purpose.RESET: timedelta(hours=1),
    Purpose.SIGN_IN: timedelta(minutes=10),
    Purpose.LIBRARY: timedelta(hours=24),
    Purpose.CHANGE: timedelta(hours=24),
    Purpose.UNDO: timedelta(days=7),
}
"""How long a challenge can be used, from the moment at which its mail is written."""

OUTLIVE_PASSWORDS = frozenset({Purpose.LIBRARY, Purpose.UNDO})
"""The purposes of challenges that stay when a password is set: links in receipts, and ways back."""

CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""The letters of codes: without vowels, so that they form no words (RFC 8628, section 6.1)."""

CODE_LENGTH = 8
GROUP = 4

MOST_WRONG_CODES = 5
"""This many wrong codes end a challenge."""

_NO_LETTER = re.compile(r"[\s\-\u2010-\u2015_.]+")


def shown_code(letters: str) -> str:
    """Return a code as a mail shows it, in groups: ``WDJB-MJHT``."""
    return "-".join(letters[start : start + GROUP] for start in range(0, len(letters), GROUP))


def typed_code(text: str) -> str | None:
    """Return the letters of a code that a customer typed, in any case and grouping; None if it is no code."""
    letters = _NO_LETTER.sub("", text).upper()
    return letters if len(letters) == CODE_LENGTH and set(letters) <= set(CODE_ALPHABET) else None


def code_hash(letters: str, key: bytes) -> str:
    """Return the stored form of a code. Codes are short, so their hash needs a key.

    Args:
        letters: the code without its groups.
        key: the organisation's key.
    """
    return hmac.new(key, letters.encode(), hashlib.sha256).hexdigest()


class Kept(Protocol):
    """What the rules read of a challenge."""

    id: UUID
    purpose: str
    email: str
    customer_id: UUID | None
    browser_hash: str | None
    created_at: datetime


def is_ended_by(other: Kept, used: Kept) -> bool:
    """Return whether the use of a challenge ends another one of the same mailbox or customer.

    Another address and the way back end everything that was on its way before, because it leads to a mailbox
    that no longer counts, or an intruder has asked for it. Only ways back stay: otherwise an intruder who
    changes the address could close the owner's. A way back ends those that are newer: they lead to addresses
    of the intruder. A new password ends all but `OUTLIVE_PASSWORDS`.
    """
    match used.purpose:
        case Purpose.LIBRARY:
            return False
        case Purpose.SIGN_IN:
            return other.purpose == used.purpose and other.browser_hash == used.browser_hash
        case Purpose.VERIFY:
            return other.purpose == used.purpose and other.email == used.email
        case Purpose.UNDO:
            return other.purpose != Purpose.UNDO or other.created_at >= used.created_at
        case Purpose.CHANGE:
            return other.purpose != Purpose.UNDO
        case _:
            return other.purpose not in OUTLIVE_PASSWORDS
