"""Cross-origin requests: pages on the organisation's hosts may call its API from the browser.

If the API is called on a loopback address, pages on the developer's machine may call it, too. No other page
may. A page sends its token itself and no cookies, so credentials are not allowed.

Source: https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.errors import AutonomyError
from autonomy_core.tenancy.domain import Organisation
from autonomy_core.tenancy.hosts import host_keys, is_loopback

ALLOWED_METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE"
ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Range, Tus-Resumable, "
    "Upload-Checksum, Upload-Concat, Upload-Length, Upload-Metadata, Upload-Offset, X-Request-ID"
)
EXPOSED_HEADERS = (
    "Accept-Ranges, Content-Range, ETag, Idempotent-Replayed, Location, Retry-After, Tus-Checksum-Algorithm, "
    "Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Concat, Upload-Expires, Upload-Length, "
    "Upload-Metadata, Upload-Offset, X-Request-ID"
)
REMEMBER_PREFLIGHT_S = 600

Handler = Callable[[Request], Response]


def cors_tween(handler: Handler, registry: Any) -> Handler:
    """Answer preflight requests, and add CORS headers to answers."""

    def tween(request: Request) -> Response:
        organisation = _organisation_of(request)
        if organisation is None:
            return handler(request)
        origin = request.headers.get("Origin", "")
        is_own = is_own_origin(organisation, origin, request.host)
        response = _preflight() if is_own and _is_preflight(request) else handler(request)
        if is_own:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        # On every answer, so that a cache does not give an answer without these headers to an allowed page.
        response.headers.add("Vary", "Origin")
        return response

    return tween


def is_own_origin(organisation: Organisation, origin: str, host: str) -> bool:
    """Whether a page comes from one of the organisation's hosts or, like the API, from a loopback address.

    Args:
        organisation: the organisation.
        origin: the value of the header Origin.
        host: the host on which the API was called. A page cannot choose its origin, so another site's page
            gains nothing by calling the API on a loopback address.
    """
    with suppress(ValueError):
        parts = urlsplit(origin)
        if parts.scheme in ("http", "https"):
            is_listed = bool(set(host_keys(parts.netloc)) & set(organisation.hosts))
            return is_listed or (is_loopback(parts.netloc) and is_loopback(host))
    return False


def _organisation_of(request: Request) -> Organisation | None:
    # An unreadable path names no organisation. Traversal will answer with an error.
    with suppress(AutonomyError, ValueError):
        return request.organisation
    return None


def _is_preflight(request: Request) -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def _preflight() -> Response:
    headers = {
        "Access-Control-Allow-Methods": ALLOWED_METHODS,
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": str(REMEMBER_PREFLIGHT_S),
    }
    return Response(status=204, content_type=None, headerlist=list(headers.items()))


def includeme(config: Configurator) -> None:
    """Install the tween."""
    config.add_tween(f"{__name__}.cors_tween")
