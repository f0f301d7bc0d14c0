"""Converts errors to HTTP answers: problem details, RFC 9457. `errors` defines the classes and codes."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import psycopg
import structlog
from psycopg.errors import ReadOnlySqlTransaction, UndefinedColumn, UndefinedTable
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPException, HTTPForbidden
from pyramid.request import Request
from pyramid.response import Response
from pyramid_retry import is_error_retryable
from pyramid_tm import is_tm_active, maybe_tag_retryable
from sqlalchemy.exc import InternalError, ProgrammingError
from transaction.interfaces import NoTransaction
from webob.request import DisconnectionError

from autonomy_core import errors
from autonomy_core.db import outages
from autonomy_core.kernel.identity import CUSTOMER, Permission
from autonomy_core.web.operations import methods_allowed

log = structlog.get_logger(__name__)

AMBIGUOUS = (InternalError, ProgrammingError, psycopg.InternalError, psycopg.ProgrammingError)
OUTAGES: tuple[type[Exception], ...] = (*outages.OUTAGES, psycopg.OperationalError, *AMBIGUOUS)
"""Exceptions that may mean that the database is unavailable, of SQLAlchemy and of the driver on hot paths."""

NOT_READY = (UndefinedTable, UndefinedColumn, ReadOnlySqlTransaction)
"""Causes of such exceptions: the database is not migrated, or is a stand-by after a failover."""

CONTENT_TYPE = "application/problem+json"


def problem(
    status: int, code: str, title: str, detail: str | None = None, extra: dict[str, Any] | None = None
) -> Response:
    """The answer that describes an error.

    Args:
        status: the HTTP status code.
        code: the stable code for clients. It is also the end of the problem's ``type``.
        title: a text that is the same for every problem with this code.
        detail: a text about this occurrence.
        extra: further members, JSON-serialisable.
    """
    body: dict[str, Any] = {
        "type": f"urn:autonomy:problem:{code}",
        "code": code,
        "title": title,
        "status": status,
    }
    if detail:
        body["detail"] = detail
    body.update(extra or {})
    return Response(
        json.dumps(body), status=status, content_type=CONTENT_TYPE, charset="utf-8", cache_control="no-store"
    )


def from_error(error: errors.AutonomyError) -> Response:
    """The problem for one of our own errors, with the headers that its status requires."""
    response = problem(error.status, error.code, error.title, error.detail, error.extra)
    if error.status == errors.NotAuthenticated.status:
        response.headers["WWW-Authenticate"] = 'Bearer realm="autonomy"'
    if "retry_after" in error.extra:
        response.headers["Retry-After"] = str(error.extra["retry_after"])
    if "allow" in error.extra:
        response.headers["Allow"] = ", ".join(error.extra["allow"])
    return response


def autonomy_error(error: errors.AutonomyError, request: Request) -> Response:
    """Answer an error that a service, a resource or a view raised. This is an exception view."""
    return from_error(error)


def not_found(context: Any, request: Request) -> Response:
    """Answer 404, or 405 with the allowed methods if the resource has other methods."""
    allowed = methods_allowed(request)
    if allowed and request.method not in allowed:
        return from_error(errors.MethodNotAllowed(extra={"allow": allowed}))
    return from_error(errors.NotFound())


def forbidden(context: HTTPForbidden, request: Request) -> Response:
    """Answer 401 to unauthenticated callers, and 403 to authenticated ones."""
    identity = request.identity
    if identity is None:
        return from_error(errors.NotAuthenticated())
    denied = getattr(context.result, "permission", None)
    if denied == Permission.OWN_RECENT and CUSTOMER in identity.principals:
        return from_error(errors.ReauthenticationRequired())
    return from_error(errors.NotAllowed())


def http_error(context: HTTPException, request: Request) -> Response:
    """Answer exceptions of Pyramid and WebOb."""
    if context.status_int < 400:
        return context
    return problem(context.status_int, f"http_{context.status_int}", context.title, context.detail)


def unreadable(context: Exception, request: Request) -> Response:
    """Answer a path, query or body that is not valid UTF-8."""
    return from_error(errors.Malformed("The request contains bytes that are not valid UTF-8."))


def broken_off(context: DisconnectionError, request: Request) -> Response:
    """Answer a client that disconnected while sending its body. It is not an error of the server."""
    return from_error(errors.BrokenOff())


def _will_be_tried_again(request: Request, error: Exception) -> bool:
    # pyramid_tm checks whether the error is a collision, but only after the error was answered.
    if is_tm_active(request):
        with suppress(NoTransaction):
            maybe_tag_retryable(request, (type(error), error, error.__traceback__))
    return bool(is_error_retryable(request, error))


def database_unavailable(context: Exception, request: Request) -> Response:
    """Answer 503 if the database does not answer or is not migrated."""
    if _will_be_tried_again(request, context):
        raise context
    cause = getattr(context, "orig", context)
    if isinstance(context, AMBIGUOUS) and not isinstance(cause, NOT_READY):
        return crash(context, request)
    log.error("database.unavailable", error=type(context).__name__, reason=str(cause))
    return from_error(
        errors.Unavailable("The database does not answer as it should; /health/ready says more.")
    )


def crash(context: Exception, request: Request) -> Response:
    """Log an unexpected error with its traceback, and answer 500 without details."""
    if _will_be_tried_again(request, context):
        raise context
    log.error("request.crashed", method=request.method, exc_info=context)
    return from_error(errors.AutonomyError("The error has been logged."))


def includeme(config: Configurator) -> None:
    """Register the exception views."""
    config.add_exception_view(autonomy_error, context=errors.AutonomyError)
    config.add_exception_view(http_error, context=HTTPException)
    config.add_exception_view(unreadable, context=UnicodeDecodeError)
    config.add_exception_view(broken_off, context=DisconnectionError)
    for outage in OUTAGES:
        config.add_exception_view(database_unavailable, context=outage)
    config.add_exception_view(crash, context=Exception)
    config.add_notfound_view(not_found)
    config.add_forbidden_view(forbidden)
