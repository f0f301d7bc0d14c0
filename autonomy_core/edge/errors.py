"""What the edge refuses, beside what any part of the server may."""

from __future__ import annotations

from autonomy_core.errors import AutonomyError, Unavailable


class BodyTooSlow(AutonomyError):
    """The body did not arrive in time: it began too late, paused too long, or came too slowly."""

    status, code, title = 408, "body_too_slow", "The body did not arrive in time"


class AnswerTooSlow(Unavailable):
    """The application has begun with the request, and has not answered in time. It goes on."""

    code, title = "answer_too_slow", "The answer did not come in time; what was asked for may still be done"
