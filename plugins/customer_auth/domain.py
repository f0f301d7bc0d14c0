"""Rules of addresses, passwords, tokens and rate limits. No framework, no database, no clock of its own."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
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


def is_the_address(password: str, email: str) -> bool:
    """Whether a password is the customer's own address, which is guessed first.

    Args:
        password: as it was sent.
        email: in its canonical form.
    """
    return password.strip().lower() == email


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says: this customer of this organisation, until then.

    Attributes:
        issued_at: aware, kept to the second.
        expires_at: aware, kept to the second.
    """

    organisation_id: str
    customer_id: UUID
    issued_at: datetime
    expires_at: datetime

    def to_json(self) -> dict[str, Any]:
        """The registered claims of a JSON Web Token (RFC 7519, section 4.1)."""
        return {
            "iss": self.organisation_id,
            "sub": str(self.customer_id),
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


def client_network(address: str | None) -> str:
    """By what a client is counted: its IPv4 address, or its IPv6 /64, which is what one subscriber gets.

    Args:
        address: as the server saw it; what is no address is counted together as ``unknown``.
    """
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    # By number: a link-local address carries a zone that a network cannot have.
    return str(ipaddress.IPv6Network((int(found), 64), strict=False))
