"""The texts of download codes. No framework."""

from __future__ import annotations

import hashlib
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Douglas Crockford's base 32, which has no I, L, O and U. https://www.crockford.com/base32.html"""

LENGTH, GROUP = 16, 4
"""80 random bits, in groups of four. Staff see the first group, which leaves 60."""

LOOK_ALIKES = str.maketrans("OIL", "011", "- ")
"""What people type instead, and what they put between the groups."""


def new_code() -> str:
    """Return a new code in the form in which it is printed: ``7Q2M-0XKD-93RW-HT5B``."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(drawn[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def normalised(text: str) -> str | None:
    """Return the characters of a code as a person typed it, in any case; None if it cannot be a code."""
    found = text.upper().translate(LOOK_ALIKES)
    return found if len(found) == LENGTH and set(found) <= set(ALPHABET) else None


def digest_of(organisation_id: str, code: str) -> str:
    """Return what is stored of a code.

    The code is random and long, so one SHA-256 is enough; equal codes of two organisations differ.

    Args:
        organisation_id: the organisation.
        code: as `normalised` returns it.
    """
    return hashlib.sha256(f"{organisation_id}\n{code}".encode()).hexdigest()
