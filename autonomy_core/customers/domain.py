"""The rules of customers. No framework."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Mapping
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

_BEFORE = r"(?:(?<![\w.+-])(?<!\w')|(?<=\\[nrt]))"
"""What may precede an address in a text: no character of a longer address, but an escaped line break or tab.

``=`` and ``/`` count as a boundary, because URLs have them before an address. Addresses rarely contain them.
"""

_AFTER = r"(?![\w-])(?!\.[\w-])"
"""What follows an address in a text. A full stop does, if no further part of a host comes after it."""

ERASED = "[erased]"
"""What stands in a text in place of an erased address."""

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


def address_pattern(address: str) -> str:
    """Return a regular expression that finds an address in texts, but not as a part of another one.

    Python and PostgreSQL read it alike. Match without regard to case.
    """
    return f"{_BEFORE}{re.escape(address)}{_AFTER}"


def without_addresses(text: str, addresses: Collection[str]) -> str:
    """Return a text with `ERASED` in place of some addresses."""
    for address in addresses:
        text = re.sub(address_pattern(address), ERASED, text, flags=re.IGNORECASE)
    return text


def contains_address(document: Any, addresses: Collection[str]) -> bool:
    """Return whether a text of a JSON document contains one of some addresses."""
    if isinstance(document, dict):
        return any(contains_address(value, addresses) for value in document.values())
    if isinstance(document, list):
        return any(contains_address(value, addresses) for value in document)
    return isinstance(document, str) and without_addresses(document, addresses) != document


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
