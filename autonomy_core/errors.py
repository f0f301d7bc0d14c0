"""The errors that services raise. `web/problems.py` converts them to HTTP answers.

Each class has a stable ``code`` that API clients may rely on. A feature or plugin derives its errors from the
class with the right status, and sets its own code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class AutonomyError(Exception):
    """An error with a defined HTTP answer.

    Args:
        detail: a sentence for the reader of the answer. It must not contain a secret.
        extra: further members of the answer, JSON-serialisable.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    members: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """JSON schemas of the members of ``extra``, for the API description."""
    commits: ClassVar[bool] = False
    """Whether the transaction is committed although the request fails."""

    def __init__(self, detail: str | None = None, *, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.extra = dict(extra or {})


class InvalidInput(AutonomyError):
    """The input is not well-formed, or a field is invalid."""

    status, code, title = 422, "invalid_input", "The input is not valid"


class Malformed(AutonomyError):
    """The request cannot be parsed."""

    status, code, title = 400, "malformed_request", "The request cannot be read"


class BrokenOff(AutonomyError):
    """The client disconnected before its request was processed."""

    status, code, title = 400, "request_broken_off", "The connection ended before the request was begun"


class UnsupportedMediaType(AutonomyError):
    """The call does not accept the body's content type."""

    status, code, title = 415, "unsupported_media_type", "The body is of a type that is not taken here"


class NotAuthenticated(AutonomyError):
    """The caller is not authenticated."""

    status, code, title = 401, "not_authenticated", "Authentication is required"


class NotAllowed(AutonomyError):
    """The caller is authenticated, but lacks the permission."""

    status, code, title = 403, "not_allowed", "This is not allowed"


class ReauthenticationRequired(NotAllowed):
    """The customer is logged in, but has to authenticate again before this action."""

    code, title = "reauthentication_required", "Authenticate again, and then repeat the request"


class NotFound(AutonomyError):
    """The object does not exist, or the caller must not know that it does."""

    status, code, title = 404, "not_found", "There is nothing here"


class MethodNotAllowed(AutonomyError):
    """The resource exists, but does not support the method."""

    status, code, title = 405, "method_not_allowed", "This method is not allowed here"


class Conflict(AutonomyError):
    """The request conflicts with the current state."""

    status, code, title = 409, "conflict", "The request conflicts with the present state"


class TooLarge(AutonomyError):
    """The body is larger than the call accepts."""

    status, code, title = 413, "too_large", "The body is too large"


class TooManyRequests(AutonomyError):
    """The caller has sent too many requests. ``extra["retry_after"]`` is the delay of a retry in seconds."""

    status, code, title = 429, "too_many_requests", "Too many requests"


class Unavailable(AutonomyError):
    """A service that the server depends on does not answer. A retry may succeed."""

    status, code, title = 503, "unavailable", "A service is not available"


class OrganisationUnavailable(Unavailable):
    """The organisation exists, but its file has problems and there is no good version."""

    code, title = "organisation_unavailable", "The organisation cannot be served at the moment"
