"""Errors with a stable code. Subclass the kind that fits and give it a code of your own."""

from __future__ import annotations

from autonomy_core.errors import (
    AutonomyError,
    Conflict,
    InvalidInput,
    Malformed,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unavailable,
    UnsupportedMediaType,
)

__all__ = [
    "AutonomyError",
    "Conflict",
    "InvalidInput",
    "Malformed",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "TooLarge",
    "TooManyRequests",
    "Unavailable",
    "UnsupportedMediaType",
]
