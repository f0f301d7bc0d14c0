"""What the edge refuses, beside what any part of the server may."""

from __future__ import annotations

from autonomy_core.errors import AutonomyError


class BodyTooSlow(AutonomyError):
    """The body did not arrive in time: it began too late, paused too long, or came too slowly."""

    status, code, title = 408, "body_too_slow", "The body did not arrive in time"
