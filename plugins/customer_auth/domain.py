"""Rules of addresses, passwords, tokens and rate limits. No framework, no database, no clock of its own."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 256

AUDIENCE = "autonomy-api"
"""Whom access tokens are for."""

REUSE_GRACE = timedelta(seconds=10)
"""How long a refresh token that was just used is taken for a double click, and not for a theft."""

LOGIN_PERIOD = timedelta(minutes=15)
REGISTRATION_PERIOD = timedelta(hours=1)


def canonical_email(local_part: str, ascii_domain: str) -> str:
    """The one spelling under which an address is stored and looked up.

    Args:
        local_part: what is before the ``@``, known to be valid.
        ascii_domain: what is after it, internationalised names in their ASCII form (IDNA).
    """
    # Lower case can undo the composition, so compose (NFC) last.
    return unicodedata.normalize("NFC", f"{local_part.lower()}@{ascii_domain.lower()}")


def prepare_password(password: str) -> str:
    """A password as it is hashed, so that keyboards that compose letters differently agree (RFC 8265, section 4.2)."""
    spaced = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in password)
    return unicodedata.normalize("NFC", spaced)


class Weakness(StrEnum):
    """Why a password is refused: what people guess before they try everything (NIST SP 800-63B-4, section 3.1.1.2)."""

    COMMON = "common"
    REPEATED = "repeated"
    PERSONAL = "personal"


LONGEST_PIECE = 3
"""Characters of a piece that makes no password, however often it is repeated: "aaaaaaaa", "abcabcabc"."""

DECORATION = re.compile(r"^[\W\d_]{0,5}(.*?)[\W\d_]{0,5}$", re.DOTALL)
"""Up to five digits and signs at each end: "!harbour2026" is guessed as soon as "harbour" is."""


def weakness_of(password: str, *, common: Container[str], personal: Iterable[str]) -> Weakness | None:
    """Why a password would be guessed first, or None.

    Args:
        password: as it was sent.
        common: passwords that many people have, in lower case.
        personal: names and addresses of the customer and of the shop; so are their words, and several of them joined.
    """
    folded = _folded(password)
    if _is_a_repeated_piece(folded):
        return Weakness.REPEATED
    candidates = {folded, DECORATION.sub(r"\1", folded)}
    if any(candidate in common for candidate in candidates):
        return Weakness.COMMON
    words = {_letters(word) for text in personal for word in _words(text)} - {""}
    if any(_is_made_of(words, _letters(candidate)) for candidate in candidates):
        return Weakness.PERSONAL
    return None


def _folded(text: str) -> str:
    """Without regard to case, width and blanks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _is_a_repeated_piece(text: str) -> bool:
    return any(text[length:] == text[:-length] for length in range(1, LONGEST_PIECE + 1))


def _words(text: str) -> Iterator[str]:
    """A text as a whole, and its parts: "ada@example.org" is "ada", "example" and "org" as well."""
    yield text
    yield from re.split(r"[\W_]+", text)


def _is_made_of(words: Collection[str], text: str) -> bool:
    """Whether a text is one word or several, one after the other: "harbourstreet" is "harbour" and "street"."""
    ends = {0}
    for start in range(len(text)):
        if start in ends:
            ends |= {start + len(word) for word in words if text.startswith(word, start)}
    return bool(text) and len(text) in ends


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", _folded(text))


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says: this customer of this organisation, by this login, until then.

    Attributes:
        session_id: the login that the token belongs to; the token ends with it.
        issued_at: aware, kept to the second.
        expires_at: aware, kept to the second.
    """

    organisation_id: str
    customer_id: UUID
    session_id: UUID
    issued_at: datetime
    expires_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Registered claims of a JSON Web Token (RFC 7519, section 4.1; ``sid``: OpenID Connect Front-Channel Logout)."""
        return {
            "iss": self.organisation_id,
            "sub": str(self.customer_id),
            "sid": str(self.session_id),
            "aud": AUDIENCE,
            "iat": int(self.issued_at.timestamp()),
            "exp": int(self.expires_at.timestamp()),
        }


class RefreshVerdict(Enum):
    """What becomes of a refresh token that is presented."""

    ROTATE = "a new one takes its place"
    WAIT = "it was used a moment ago: a double click, or two tabs"
    REVOKE = "it was used before: somebody has a copy, so the login ends"
    REFUSE = "its login has ended"


def judge_refresh(
    now: datetime, *, used_at: datetime | None, expires_at: datetime, revoked_at: datetime | None
) -> RefreshVerdict:
    """Decide about a refresh token that we did issue (RFC 9700, section 4.14.2).

    Args:
        now: the present moment.
        used_at: when the token was exchanged for another; None when it was not.
        expires_at: when the login ends.
        revoked_at: when the login was ended.
    """
    if revoked_at is not None or expires_at <= now:
        return RefreshVerdict.REFUSE
    if used_at is None:
        return RefreshVerdict.ROTATE
    return RefreshVerdict.WAIT if now - used_at < REUSE_GRACE else RefreshVerdict.REVOKE


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A bucket that holds ``attempts`` and drains in ``period``: the leaky bucket, also known as GCRA.

    All that a bucket has to remember is the moment at which it will have drained.
    """

    attempts: int
    period: timedelta

    @property
    def interval(self) -> timedelta:
        """The time in which one attempt drains."""
        return self.period / self.attempts

    def wait(self, drained_at: datetime, now: datetime) -> int:
        """For how many whole seconds an attempt is too early; 0 when it fits.

        Args:
            drained_at: when the bucket will have drained, this attempt counted.
            now: the present moment.
        """
        return max(0, math.ceil((drained_at - now - self.period).total_seconds()))


@dataclass(frozen=True, slots=True)
class Bucket:
    """Attempts that are counted together.

    Attributes:
        kind: what is attempted and by what it is counted, for example ``login.email``.
        subject: the address of the account, or the network of the client.
    """

    kind: str
    subject: str
    limit: RateLimit

    def name(self, key: bytes) -> str:
        """The name under which it is stored: keyed, so that the table tells nobody's address.

        Args:
            key: the organisation's, at most 64 bytes.
        """
        return f"{self.kind}:{hashlib.blake2b(self.subject.encode(), key=key, digest_size=16).hexdigest()}"
