"""The rules of passkeys: hosts, origins, handles of users, counters. No framework, no database."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

MOST_PASSKEYS = 20
"""How many passkeys an account may have."""

_ORGANISATION_BYTES = 16


@dataclass(frozen=True, slots=True)
class Page:
    """The page that a customer uses, and the API that it calls.

    Attributes:
        origin: the header ``Origin`` of the request; None if the client is no browser.
        api_host: the host at which the API was called, with its port if it has one.
    """

    origin: str | None
    api_host: str


def rp_id_of(page: Page, hosts: Collection[str]) -> str | None:
    """Return the host that a new passkey of a page belongs to; None if the page is not the organisation's.

    Organisations that share a host share the RP id. Their passkeys are kept apart by `user_handle`.

    Args:
        page: the page.
        hosts: the hosts of the organisation, in lower case.
    """
    origin = page.origin if page.origin is not None else f"https://{page.api_host}"
    return _name_of(origin) if is_own_origin(origin, hosts, page.api_host) else None


def is_own_origin(origin: str, hosts: Collection[str], api_host: str) -> bool:
    """Return whether an origin is one of the organisation's pages.

    Args:
        origin: for example ``https://shop.example``.
        hosts: the hosts of the organisation, in lower case.
        api_host: the host at which the API was called. If it is the local machine, pages of any port of the
            local machine count as the organisation's.
    """
    parts = _split(origin)
    if parts is None or parts.hostname is None:
        return False
    if _is_local(parts.hostname):
        return parts.scheme in ("http", "https") and _is_local(_name_of(f"//{api_host}"))
    return parts.scheme == "https" and bool({parts.netloc.lower(), parts.hostname} & set(hosts))


def user_handle(organisation_id: str, customer_id: UUID) -> bytes:
    """Return the handle under which an authenticator keeps an account.

    Organisations that share a host are the same site for an authenticator. So the handle names the
    organisation as well; otherwise an authenticator could replace one account's passkey by another's.
    """
    return _organisation_part(organisation_id) + customer_id.bytes


def customer_of(handle: bytes, organisation_id: str) -> UUID | None:
    """Return the customer of a handle; None if it is another organisation's, or no handle."""
    part, rest = handle[:_ORGANISATION_BYTES], handle[_ORGANISATION_BYTES:]
    return UUID(bytes=rest) if part == _organisation_part(organisation_id) and len(rest) == 16 else None


def is_copy(before: int, now: int) -> bool:
    """Return whether a counter of signatures shows that two authenticators use the same passkey.

    Args:
        before: the counter of the latest signature.
        now: the counter of this signature. An authenticator that does not count sends 0.
    """
    return (before, now) != (0, 0) and now <= before


def _organisation_part(organisation_id: str) -> bytes:
    return hashlib.blake2b(organisation_id.encode(), digest_size=_ORGANISATION_BYTES).digest()


def _name_of(origin: str) -> str | None:
    parts = _split(origin)
    return parts.hostname if parts is not None else None


def _split(origin: str) -> SplitResult | None:
    with suppress(ValueError):
        parts = urlsplit(origin)
        if parts.path == parts.query == parts.fragment == "" and "@" not in parts.netloc:
            return parts
    return None


def _is_local(name: str | None) -> bool:
    return name is not None and (name == "localhost" or name.endswith(".localhost"))
