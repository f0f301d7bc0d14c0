"""The rules of customers. No framework."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

DELETION_AFTER = timedelta(days=14)
"""How long a customer can withdraw the request to be deleted."""

LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{4})?(-([A-Z]{2}|[0-9]{3}))?", re.ASCII)
"""Language, script and region of a tag of BCP 47, in their usual case: ``de``, ``pt-BR``, ``zh-Hant-TW``."""

PERSONAL = frozenset({"email", "name"})
"""What the audit log must not keep, because its entries cannot be changed by an erasure."""

PERSONAL_VALUE = "(personal)"

_ADDRESS = re.compile(r"\S@\S")

TOKEN = re.compile(r"[0-9a-f]{32}\.[A-Za-z0-9_-]{22}", re.ASCII)
"""The token of a link that ends a customer's consent."""


def for_audit(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as the audit log keeps them: times as text, and without personal data."""
    return {
        name: PERSONAL_VALUE
        if name in PERSONAL and value
        else value.isoformat(timespec="seconds")
        if isinstance(value, datetime)
        else value
        for name, value in values.items()
    }


def holds_address(text: str) -> bool:
    """Return whether a text contains what looks like an e-mail address.

    Reasons are kept for the ledger and in the audit log, where no erasure could remove an address.
    """
    return _ADDRESS.search(text) is not None


def token_for(key: bytes, customer_id: UUID) -> str:
    """Return the token of a link that ends a customer's consent. It does not expire (RFC 8058, section 3.1).

    Args:
        key: the organisation's key for such links.
        customer_id: the customer.
    """
    return f"{customer_id.hex}.{_signature(key, customer_id)}"


def customer_of(keys: Iterable[bytes], token: str) -> UUID | None:
    """Return the customer of a token; None if no key has made it.

    Args:
        keys: the organisation's accepted keys.
        token: as it was sent.
    """
    if not TOKEN.fullmatch(token):
        return None
    customer_id = UUID(token[:32])
    expected = [_signature(key, customer_id) for key in keys]
    return customer_id if any(hmac.compare_digest(each, token[33:]) for each in expected) else None


def _signature(key: bytes, customer_id: UUID) -> str:
    digest = hmac.new(key, customer_id.bytes, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")
