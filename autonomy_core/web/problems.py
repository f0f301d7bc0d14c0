"""The one place where an error becomes HTTP: problem details, RFC 9457."""

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
from autonomy_core.web.operations import methods_allowed

log = structlog.get_logger(__name__)

UNCLEAR = (InternalError, ProgrammingError, psycopg.InternalError, psycopg.ProgrammingError)
OUTAGES: tuple[type[Exception], ...] = (*outages.OUTAGES, psycopg.OperationalError, *UNCLEAR)
"""What may mean that the database does not answer as it should: of SQLAlchemy, and of the driver on hot paths."""

NOT_READY = (UndefinedTable, UndefinedColumn, ReadOnlySqlTransaction)
"""Which internal and programming errors mean that: it has not been migrated, or is a stand-by after a failover."""

CONTENT_TYPE = "application/problem+json"


def problem(
    status: int, code: str, title: str, detail: str | None = None, extra: dict[str, Any] | None = None
) -> Response:
    """The answer that tells of an error.

    Args:
        status: the HTTP status code.
        code: the stable code that clients branch on; it is also the end of the problem's ``type``.
        title: the same for every problem of this code.
        detail: about this occurrence.
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
    """The problem for one of our own errors, with the headers that its status calls for."""
    response = problem(error.status, error.code, error.title, error.detail, error.extra)
    if error.status == errors.NotAuthenticated.status:
        response.headers["WWW-Authenticate"] = 'Bearer realm="autonomy"'
    if "retry_after" in error.extra:
        response.headers["Retry-After"] = str(error.extra["retry_after"])
    if "allow" in error.extra:
        response.headers["Allow"] = ", ".join(error.extra["allow"])
    return response


def autonomy_error(error: errors.AutonomyError, request: Request) -> Response:
    """Exception view: an error that a service, a resource or a view raised."""
    return from_error(error)


def not_found(context: Any, request: Request) -> Response:
    """Nothing here, or only other methods: a client is told which."""
    allowed = methods_allowed(request)
    if allowed and request.method not in allowed:
        return from_error(errors.MethodNotAllowed(extra={"allow": allowed}))
    return from_error(errors.NotFound())


def forbidden(context: HTTPForbidden, request: Request) -> Response:
    """Strangers are asked who they are; those we know are told no."""
    if request.identity is None:
        return from_error(errors.NotAuthenticated())
    return from_error(errors.NotAllowed())


def http_error(context: HTTPException, request: Request) -> Response:
    """What Pyramid and WebOb raise themselves."""
    if context.status_int < 400:
        return context
    return problem(context.status_int, f"http_{context.status_int}", context.title, context.detail)


def unreadable(context: Exception, request: Request) -> Response:
    """A path, a query or a body whose bytes are not what they claim to be."""
    return from_error(errors.Malformed("The request contains bytes that are not valid UTF-8."))


def broken_off(context: DisconnectionError, request: Request) -> Response:
    """The client went away in the middle of its body: no fault of the code's, and the request's own line tells it."""
    return from_error(errors.BrokenOff())


def _will_be_tried_again(request: Request, error: Exception) -> bool:
    # pyramid_tm asks the session whether it was a collision, but only once the error has been answered.
    if is_tm_active(request):
        with suppress(NoTransaction):
            maybe_tag_retryable(request, (type(error), error, error.__traceback__))
    return bool(is_error_retryable(request, error))


def database_unavailable(context: Exception, request: Request) -> Response:
    """The database does not answer, or has not been migrated: an outage, and no fault of the code's."""
    if _will_be_tried_again(request, context):
        raise context
    cause = getattr(context, "orig", context)
    if isinstance(context, UNCLEAR) and not isinstance(cause, NOT_READY):
        return crash(context, request)
    log.error("database.unavailable", error=type(context).__name__, reason=str(cause))
    return from_error(
        errors.Unavailable("The database does not answer as it should; /health/ready says more.")
    )


def crash(context: Exception, request: Request) -> Response:
    """What nobody foresaw: logged whole, told briefly."""
    if _will_be_tried_again(request, context):
        raise context
    log.error("request.crashed", method=request.method, exc_info=context)
    return from_error(errors.AutonomyError("The error has been logged."))


def includeme(config: Configurator) -> None:
    """Register the views that answer for errors."""
    config.add_exception_view(autonomy_error, context=errors.AutonomyError)
    config.add_exception_view(http_error, context=HTTPException)
    config.add_exception_view(unreadable, context=UnicodeDecodeError)
    config.add_exception_view(broken_off, context=DisconnectionError)
    for outage in OUTAGES:
        config.add_exception_view(database_unavailable, context=outage)
    config.add_exception_view(crash, context=Exception)
    config.add_notfound_view(not_found)
    config.add_forbidden_view(forbidden)
