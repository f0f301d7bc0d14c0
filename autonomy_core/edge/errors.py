"""Errors that only the edge raises."""

from __future__ import annotations

from autonomy_core.errors import AutonomyError, Unavailable


class BodyTooSlow(AutonomyError):
    """The body did not arrive in time: it started too late, paused too long, or was too slow."""

    status, code, title = 408, "body_too_slow", "The body did not arrive in time"


class AnswerTooSlow(Unavailable):
    """The application did not answer in time. It continues to process the request."""

    code, title = "answer_too_slow", "The answer did not come in time; what was asked for may still be done"
