"""The rules of one-time codes and recovery codes. No framework, no database, no clock.

Source of one-time codes: RFC 6238. An authenticator app and the server compute the same code of six digits
from a shared secret and the time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b32encode
from datetime import datetime
from enum import StrEnum

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SECRET_BYTES = 20
"""The length that RFC 4226 recommends."""

STEP_S = 30
DIGITS = 6
TOLERANCE = 1
"""How many steps a customer's clock may differ, in each direction."""

RECOVERY_CODES = 10
"""How many recovery codes a customer gets at once."""

RECOVERY_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's Base32: without letters that look like a digit or another letter."""

RECOVERY_LENGTH = 16
"""Characters of five bits: 80 random bits cannot be guessed from their hash."""

GROUP = 4

_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015_.]+")
_LOOK_ALIKE = str.maketrans({"o": "0", "i": "1", "l": "1"})


class Factor(StrEnum):
    """What a customer can be asked for as a second factor."""

    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"


def shown_secret(secret: bytes) -> str:
    """Return a secret as a customer types it into an authenticator app."""
    return b32encode(secret).decode()


def otpauth_uri(secret: bytes, *, account: str, issuer: str) -> str:
    """Return the URI from which an authenticator app reads the secret, usually as a QR code.

    Args:
        secret: the shared secret.
        account: the customer's address.
        issuer: the organisation's name.
    """
    return _totp(secret).get_provisioning_uri(account, issuer.replace(":", " "))


def step_of(secret: bytes, code: str, now: datetime, *, last_step: int | None) -> int | None:
    """Return the time step that a code is of; None if the code is wrong or was used before.

    Args:
        secret: the shared secret.
        code: as it was typed.
        now: the current time.
        last_step: the step of the last accepted code. Neither this code nor an older one is accepted again.
    """
    typed = typed_time_code(code)
    if typed is None:
        return None
    current = int(now.timestamp()) // STEP_S
    matching = None
    # Compare with all codes, so that the time of the answer does not tell which one matched.
    for step in range(current - TOLERANCE, current + TOLERANCE + 1):
        if hmac.compare_digest(_totp(secret).generate(step * STEP_S), typed.encode()):
            matching = step
    return matching if matching is not None and (last_step is None or matching > last_step) else None


def typed_time_code(text: str) -> str | None:
    """Return the six digits that a customer typed; None if the text is no one-time code."""
    digits = _SEPARATORS.sub("", text)
    return digits if len(digits) == DIGITS and digits.isascii() and digits.isdigit() else None


def new_recovery_code() -> str:
    """Return a random recovery code in groups: ``7k2m-qw9e-0rtz-4hnb``."""
    letters = "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_LENGTH))
    return "-".join(letters[start : start + GROUP] for start in range(0, RECOVERY_LENGTH, GROUP))


def recovery_hash(text: str) -> str | None:
    """Return the stored form of a recovery code that a customer typed; None if the text is no such code."""
    letters = _SEPARATORS.sub("", text).lower().translate(_LOOK_ALIKE)
    if len(letters) != RECOVERY_LENGTH or not set(letters) <= set(RECOVERY_ALPHABET):
        return None
    return hashlib.sha256(letters.encode()).hexdigest()


def _totp(secret: bytes) -> TOTP:
    # Authenticator apps support no other hash reliably. HMAC with SHA-1 is not affected by its collisions.
    return TOTP(secret, DIGITS, SHA1(), STEP_S)  # noqa: S303 - see above
