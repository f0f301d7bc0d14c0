"""One log entry for each request, under an id that the response also carries.

A well-formed ``X-Request-ID`` of the caller is used, so that the logs of a proxy and of this server can be
joined; otherwise a new id. All log entries during the request have the id and the organisation.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid_retry import is_error_retryable
from structlog import contextvars

from autonomy_core.audit.origins import note_origin
from autonomy_core.counters import count_request
from autonomy_core.db.base import uuid7
from autonomy_core.errors import AutonomyError
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.operations.clients import shown
from autonomy_core.operations.metrics import resource_of

log = structlog.get_logger(__name__)

HEADER = "X-Request-ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,128}")
PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]+")
"""A path without characters that have to be encoded."""

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Links to recordings are signed in the query string, which other sites must not see.
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
"""Added to every response unless the view has set them. The proxy provides HTTPS and HSTS."""

Handler = Callable[[Request], Response]


def request_log_tween(handler: Handler, registry: Any) -> Handler:
    """Wrap the whole application, including its error pages."""

    def tween(request: Request) -> Response:
        began = time.perf_counter()
        request_id = _request_id(request)
        organisation = _organisation_id(request)
        # Authentication adds ``actor``. The variables are cleared before the thread's next request.
        contextvars.clear_contextvars()
        contextvars.bind_contextvars(
            request_id=request_id, **({"organisation": organisation} if organisation else {})
        )
        note_origin(request.remote_addr)
        try:
            response = handler(request)
            if not _will_be_tried_again(request):
                _finish(request, response, organisation, time.perf_counter() - began)
        finally:
            contextvars.clear_contextvars()
            note_origin(None)
        headers = response.headers
        headers[HEADER] = request_id
        # Not `setdefault`, which searches all headers for each name.
        said = {name.lower() for name, _ in response.headerlist}
        response.headerlist += [each for each in SECURITY_HEADERS.items() if each[0].lower() not in said]
        return response

    return tween


def _finish(request: Request, response: Response, organisation: str | None, seconds: float) -> None:
    count_request(
        method=request.method,
        status=response.status_int,
        resource=resource_of(request, response.status_int),
        organisation=organisation,
        seconds=seconds,
    )
    client = shown(request.remote_addr, runtime_of(request.registry).settings.log_clients)
    log.info(
        "request",
        **({"client": client} if client else {}),
        method=request.method,
        path=_path(request),
        status=response.status_int,
        duration_ms=round(seconds * 1000, 1),
    )


def _request_id(request: Request) -> str:
    # Kept in the environment, so that a retried request keeps its id.
    known = request.environ.get("autonomy.request_id")
    if known is None:
        offered = request.headers.get(HEADER, "")
        known = offered if WELL_FORMED.fullmatch(offered) else uuid7().hex
        request.environ["autonomy.request_id"] = known
    return str(known)


def _organisation_id(request: Request) -> str | None:
    # An unreadable path names no organisation; traversal responds with the error.
    with suppress(AutonomyError):
        organisation = request.organisation
        return organisation.id if organisation else None
    return None


def _path(request: Request) -> str:
    path = str(request.environ.get("SCRIPT_NAME", "") + request.environ.get("PATH_INFO", ""))
    if PLAIN_PATH.fullmatch(path):
        return path
    try:
        # Stay percent-encoded: a decoded path could contain control characters for terminals.
        return str(request.path)
    except UnicodeDecodeError:
        return "(not valid UTF-8)"


def _will_be_tried_again(request: Request) -> bool:
    error = getattr(request, "exception", None)
    return error is not None and is_error_retryable(request, error)


def includeme(config: Configurator) -> None:
    """Add the tween around all others."""
    config.add_tween(f"{__name__}.request_log_tween")
