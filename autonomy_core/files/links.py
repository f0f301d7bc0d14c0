"""The signature of a link, which opens one path for a while, without a header. Pure.

A link names the customer that it was made for. It says nothing about what the customer owns: the view looks
that up at each request, so that a revoked grant ends its links as well.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

_EXPIRES: Final = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)
_NAMES: Final = ("expires", "customer", "signature")
_MOST_FIELDS: Final = 20


def signed_query(key: bytes, path: str, customer_id: UUID, expires: int) -> dict[str, str]:
    """The fields of the query string that make a link of a path.

    Args:
        key: the organisation's key for the links of one purpose.
        path: of the URL, percent-encoded as it will be requested. The link opens this path only.
        customer_id: the customer that the link is for.
        expires: until when the link is valid, in seconds since 1970.
    """
    signature = _signature(key, path, str(customer_id), str(expires))
    return {"expires": str(expires), "customer": str(customer_id), "signature": signature}


def verified_customer(key: bytes, path: str, query_string: str, now: float) -> UUID | None:
    """The customer that a link was made for.

    Args:
        key: as for `signed_query`.
        path: that is requested.
        query_string: of the request.
        now: in seconds since 1970.

    Returns:
        None if the request has no valid signature for its path, or the link has expired.
    """
    fields = _fields(query_string)
    if fields is None:
        return None
    expires, customer, signature = fields
    expected = _signature(key, path, customer, expires)
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        return None
    # The signature is ours, so both are well-formed.
    return UUID(customer) if now < int(expires) else None


def _fields(query_string: str) -> tuple[str, str, str] | None:
    try:
        pairs = parse_qsl(query_string, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return None
    found = dict(pairs)
    # Two readers could take different values of a field that is there twice.
    if sorted(name for name, _ in pairs if name in _NAMES) != sorted(_NAMES):
        return None
    if not _EXPIRES.fullmatch(found["expires"]):
        return None
    return found["expires"], found["customer"], found["signature"]


def _signature(key: bytes, path: str, customer: str, expires: str) -> str:
    digest = hmac.digest(key, f"{path}\n{customer}\n{expires}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
