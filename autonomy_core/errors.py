"""The errors that services raise. `web/problems.py` is the one place that turns them into HTTP.

Every class carries a stable ``code`` that API clients may rely on. A feature or a plugin subclasses the
kind that fits and gives its own code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class AutonomyError(Exception):
    """What a caller did, or met, that has an answer.

    Args:
        detail: one sentence for the person who reads the answer; it must not contain a secret.
        extra: further members of the answer, JSON-serialisable.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    members: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """JSON schemas of the members that ``extra`` brings, for the API's description."""
    commits: ClassVar[bool] = False
    """Whether the work of the transaction is kept although the request is refused."""

    def __init__(self, detail: str | None = None, *, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.extra = dict(extra or {})


class InvalidInput(AutonomyError):
    """What was sent is not well-formed, or a field of it is not valid."""

    status, code, title = 422, "invalid_input", "The input is not valid"


class Malformed(AutonomyError):
    """What was sent cannot be read at all."""

    status, code, title = 400, "malformed_request", "The request cannot be read"


class BrokenOff(AutonomyError):
    """The client went away before its request was begun; whoever still listens is told so."""

    status, code, title = 400, "request_broken_off", "The connection ended before the request was begun"


class UnsupportedMediaType(AutonomyError):
    """The body is of a type that this call does not take."""

    status, code, title = 415, "unsupported_media_type", "The body is of a type that is not taken here"


class NotAuthenticated(AutonomyError):
    """Nobody, or nobody we know, is asking."""

    status, code, title = 401, "not_authenticated", "Authentication is required"


class NotAllowed(AutonomyError):
    """We know who is asking, and they may not."""

    status, code, title = 403, "not_allowed", "This is not allowed"


class NotFound(AutonomyError):
    """There is no such thing, or none that the caller may know of."""

    status, code, title = 404, "not_found", "There is nothing here"


class MethodNotAllowed(AutonomyError):
    """The thing exists and does not take this method."""

    status, code, title = 405, "method_not_allowed", "This method is not allowed here"


class Conflict(AutonomyError):
    """The request contradicts the state that things are in."""

    status, code, title = 409, "conflict", "The request conflicts with the present state"


class TooLarge(AutonomyError):
    """The body is larger than this call takes."""

    status, code, title = 413, "too_large", "The body is too large"


class TooManyRequests(AutonomyError):
    """The caller has asked too often; ``extra["retry_after"]`` says in how many seconds to ask again."""

    status, code, title = 429, "too_many_requests", "Too many requests"


class Unavailable(AutonomyError):
    """A service that we depend on does not answer; trying again may help."""

    status, code, title = 503, "unavailable", "A service is not available"


class OrganisationUnavailable(Unavailable):
    """The organisation is known, but its file has problems and there is no good version of it to serve."""

    code, title = "organisation_unavailable", "The organisation cannot be served at the moment"
