"""Cross-origin requests: a shop's pages, on any of the organisation's hosts, may call its API from the browser.

Nobody else's may. No cookie is involved: a page sends the token that it holds, so credentials are not allowed.

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

ALLOWED_METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE"
ALLOWED_HEADERS = "Authorization, Content-Type, If-Match, If-None-Match, If-Range, Range, X-Request-ID"
EXPOSED_HEADERS = "Accept-Ranges, Content-Range, ETag, Retry-After, X-Request-ID"
REMEMBER_PREFLIGHT_S = 600

Handler = Callable[[Request], Response]


def cors_tween(handler: Handler, registry: Any) -> Handler:
    """Answer a browser's questions about what a page may do."""

    def tween(request: Request) -> Response:
        origin = request.headers.get("Origin")
        if origin is None or not is_own_origin(request, origin):
            return handler(request)
        is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = _preflight() if is_preflight else handler(request)
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        response.headers.add("Vary", "Origin")
        return response

    return tween


def is_own_origin(request: Request, origin: str) -> bool:
    """Whether a page comes from one of the hosts of the organisation that the request is about."""
    # A path that cannot be read names nobody; traversal is going to answer for it.
    with suppress(AutonomyError, ValueError):
        parts = urlsplit(origin)
        organisation = request.organisation
        if organisation is not None and parts.scheme in ("http", "https"):
            return bool({parts.netloc.lower(), (parts.hostname or "").lower()} & set(organisation.hosts))
    return False


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
