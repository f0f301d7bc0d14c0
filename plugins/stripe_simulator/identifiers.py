"""Identifiers in Stripe's format: a prefix and random letters and digits."""

from __future__ import annotations

import hashlib
import secrets
import string

ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """Return a new identifier such as ``evt_4fQ…``, with ``length`` random characters."""
    return f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(length))


def derived_id(prefix: str, *parts: str) -> str:
    """Return an identifier that is a function of ``parts``, without revealing them."""
    return f"{prefix}_{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}"


def account_of(key: str) -> str:
    """Return the id of the account of ``key``; each key has its own account."""
    return derived_id("acct", key)
