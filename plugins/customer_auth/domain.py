"""Rules for addresses, passwords and tokens. No framework, no database, no clock."""

from __future__ import annotations

import hashlib
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
"""The audience of access tokens."""

REUSE_GRACE = timedelta(seconds=10)
"""How long the reuse of a refresh token counts as a double click and not as theft."""

LOGIN_PERIOD = timedelta(minutes=15)
REGISTRATION_PERIOD = timedelta(hours=1)

WORK_PERIOD = timedelta(minutes=1)
"""The period in which calls without a proof of work are counted."""

WORK_LIFETIME = timedelta(minutes=10)
"""How long a challenge can be solved."""


class WorkPurpose(StrEnum):
    """A call that bots repeat, and for which a proof of work can be required."""

    REGISTER = "register"
    SIGN_IN = "sign_in"
    VERIFICATION = "verification"
    LIBRARY_LINK = "library_link"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a purpose


def token_hash(token: str) -> str:
    """Return the stored form of a token or of a handle: their 256 random bits cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def prepare_password(password: str) -> str:
    """Return a password in the form that is hashed (NIST SP 800-63B-4, section 3.1.1.2: NFKC).

    Keyboards compose the same letters differently, and send other widths of them.
    """
    return unicodedata.normalize("NFKC", _with_plain_spaces(password))


def previously_prepared(password: str) -> str:
    """Return a password in the form that earlier versions hashed (NFC); hashes of it are still valid."""
    return unicodedata.normalize("NFC", _with_plain_spaces(password))


def _with_plain_spaces(password: str) -> str:
    return "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in password)


class Weakness(StrEnum):
    """Why a password is refused: attackers guess such passwords first.

    Source: NIST SP 800-63B-4, section 3.1.1.2.
    """

    BREACHED = "breached"
    COMMON = "common"
    REPEATED = "repeated"
    PERSONAL = "personal"


LONGEST_PIECE = 3
"""The longest piece, in characters, whose repetition is refused as a password: "aaaaaaaa", "abcabcabc"."""

DECORATION = re.compile(r"^[\W\d_]{0,5}(.*?)[\W\d_]{0,5}$", re.DOTALL)
"""Up to five digits and signs at each end, which add little: "!harbour2026" is guessed like "harbour"."""


def weakness_of(password: str, *, common: Container[str], personal: Iterable[str]) -> Weakness | None:
    """Return why a password is easy to guess, or None.

    Args:
        password: as it was sent.
        common: common passwords, in lower case. It may contain few others by mistake.
        personal: names and addresses of the customer and of the shop, also in parts and in combinations.
    """
    folded = _folded(password)
    if _is_a_repeated_piece(folded):
        return Weakness.REPEATED
    candidates = {folded, DECORATION.sub(r"\1", folded)} - {""}
    if any(candidate in common for candidate in candidates):
        return Weakness.COMMON
    words = {_letters(word) for text in personal for word in _words(text)} - {""}
    if any(_is_made_of(words, _letters(candidate)) for candidate in candidates):
        return Weakness.PERSONAL
    return None


def _folded(text: str) -> str:
    """Remove differences of case, width and spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _is_a_repeated_piece(text: str) -> bool:
    return any(text[length:] == text[:-length] for length in range(1, LONGEST_PIECE + 1))


def _words(text: str) -> Iterator[str]:
    """Yield a text and its parts: for "ada@example.org" also "ada", "example" and "org"."""
    yield text
    yield from re.split(r"[\W_]+", text)


def _is_made_of(words: Collection[str], text: str) -> bool:
    """Return whether a text is a sequence of words: "harbourstreet" is "harbour" and "street"."""
    ends = {0}
    for start in range(len(text)):
        if start in ends:
            ends |= {start + len(word) for word in words if text.startswith(word, start)}
    return bool(text) and len(text) in ends


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", _folded(text))


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """The content of an access token: a customer of an organisation, a login and an expiry.

    Attributes:
        organisation_id: the issuer.
        customer_id: the customer.
        session_id: the login of the token; the token becomes invalid with it.
        issued_at: with a time zone, stored in whole seconds.
        expires_at: with a time zone, stored in whole seconds.
        authenticated_at: when the customer last authenticated, with a time zone.
        methods: what the customer was authenticated with.
    """

    organisation_id: str
    customer_id: UUID
    session_id: UUID
    issued_at: datetime
    expires_at: datetime
    authenticated_at: datetime
    methods: frozenset[str]

    def to_json(self) -> dict[str, Any]:
        """Return the registered claims of a JSON Web Token.

        Source: RFC 7519, section 4.1; for ``sid`` OpenID Connect Front-Channel Logout; for ``auth_time`` and
        ``amr`` OpenID Connect Core, section 2.
        """
        return {
            "iss": self.organisation_id,
            "sub": str(self.customer_id),
            "sid": str(self.session_id),
            "aud": AUDIENCE,
            "iat": int(self.issued_at.timestamp()),
            "exp": int(self.expires_at.timestamp()),
            "auth_time": int(self.authenticated_at.timestamp()),
            "amr": sorted(self.methods),
        }


class RefreshVerdict(Enum):
    """The decision about a presented refresh token."""

    ROTATE = "a new token replaces it"
    WAIT = "it was used a moment ago: a double click, or two tabs"
    REVOKE = "it was used before: a copy exists, so the login ends"
    REFUSE = "its login has ended"


def judge_refresh(
    now: datetime, *, used_at: datetime | None, expires_at: datetime, revoked_at: datetime | None
) -> RefreshVerdict:
    """Decide about a refresh token that the server issued (RFC 9700, section 4.14.2).

    Args:
        now: the current time.
        used_at: when the token was exchanged; None if it was not.
        expires_at: when the login expires.
        revoked_at: when the login was revoked; None if it was not.
    """
    if revoked_at is not None or expires_at <= now:
        return RefreshVerdict.REFUSE
    if used_at is None:
        return RefreshVerdict.ROTATE
    return RefreshVerdict.WAIT if now - used_at < REUSE_GRACE else RefreshVerdict.REVOKE
