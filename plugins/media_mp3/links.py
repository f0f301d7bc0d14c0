"""Signed links: whoever has one may listen to one track for a while, without a header. Pure.

``<audio src>`` cannot send an Authorization header. A link names the customer for whom it was made, and says nothing
about what they own: that is looked up each time, so that a grant that is revoked ends its links as well.
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
    """The query string's fields that make a link of a path.

    Args:
        key: the organisation's, for this purpose alone.
        path: of the URL, percent-encoded as it is requested; the link opens this one.
        customer_id: who may listen.
        expires: until when, in seconds since 1970.
    """
    signature = _signature(key, path, str(customer_id), str(expires))
    return {"expires": str(expires), "customer": str(customer_id), "signature": signature}


def listener(key: bytes, path: str, query_string: str, now: float) -> UUID | None:
    """The customer for whom a link was made, or None when it is none, or another path's, or has expired.

    Args:
        key: as for `signed_query`.
        path: that is requested.
        query_string: of the request.
        now: in seconds since 1970.
    """
    fields = _fields(query_string)
    if fields is None:
        return None
    expires, customer, signature = fields
    expected = _signature(key, path, customer, expires)
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        return None
    # Only what we have signed gets here, so both are well-formed.
    return UUID(customer) if now < int(expires) else None


def _fields(query_string: str) -> tuple[str, str, str] | None:
    try:
        pairs = parse_qsl(query_string, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return None
    found = dict(pairs)
    # A field that is there twice would mean one thing here and another to the next reader.
    if sorted(name for name, _ in pairs if name in _NAMES) != sorted(_NAMES):
        return None
    if not _EXPIRES.fullmatch(found["expires"]):
        return None
    return found["expires"], found["customer"], found["signature"]


def _signature(key: bytes, path: str, customer: str, expires: str) -> str:
    digest = hmac.digest(key, f"{path}\n{customer}\n{expires}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
