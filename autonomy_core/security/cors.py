"""Cross-origin requests: a shop's pages, on any of the organisation's hosts, may call its API from the browser.

So may pages on a developer's machine, when the API is called there. Nobody else's may. No cookie is involved: a page sends the token that it holds, so credentials are not allowed.

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
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Range, X-Request-ID"
)
EXPOSED_HEADERS = "Accept-Ranges, Content-Range, ETag, Idempotent-Replayed, Retry-After, X-Request-ID"
REMEMBER_PREFLIGHT_S = 600

Handler = Callable[[Request], Response]


def cors_tween(handler: Handler, registry: Any) -> Handler:
    """Answer a browser's questions about what a page may do."""

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
        # On every answer: a cache must not give one that lacks the headers above to a page that may read it.
        response.headers.add("Vary", "Origin")
        return response

    return tween


def is_own_origin(organisation: Organisation, origin: str, host: str) -> bool:
    """Whether a page comes from one of the organisation's hosts, or, as the API does, from a developer's machine.

    Args:
        origin: the header's value, as the browser sent it.
        host: where the API was called. A page elsewhere cannot choose its own origin, so that it gains nothing by
            reaching the API at a loopback address.
    """
    with suppress(ValueError):
        parts = urlsplit(origin)
        if parts.scheme in ("http", "https"):
            is_listed = bool(set(host_keys(parts.netloc)) & set(organisation.hosts))
            return is_listed or (is_loopback(parts.netloc) and is_loopback(host))
    return False


def _organisation_of(request: Request) -> Organisation | None:
    # A path that cannot be read names nobody; traversal is going to answer for it.
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
    """Put the tween around the application."""
    config.add_tween(f"{__name__}.cors_tween")
