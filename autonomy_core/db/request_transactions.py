"""The transaction of a request: when it is committed before its end, and when it is rolled back after all."""

from __future__ import annotations

from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.errors import AutonomyError


def commit_early(request: Request) -> None:
    """Commit what the request has done so far and go on in a new transaction.

    For a request that must leave a trace before it calls somebody else's server. From here on the request
    is not tried again, because its first half has happened.
    """
    request.environ["retry.attempts"] = request.environ.get("retry.attempt", 0) + 1
    commit_preparation(request)


def commit_preparation(request: Request) -> None:
    """Commit what the request has done so far and go on in a new transaction; it may still be tried again.

    For what does no harm when it happens once more, before the request's own work. Whoever waits afterwards holds no
    connection to the database.
    """
    request.tm.commit()
    request.tm.begin()


def commit_veto(request: Request, response: Response) -> bool:
    """Roll back what was refused, unless the refusal itself has something to keep."""
    error = getattr(request, "exception", None)
    if isinstance(error, AutonomyError) and error.commits:
        return False
    return response.status_int >= 400
