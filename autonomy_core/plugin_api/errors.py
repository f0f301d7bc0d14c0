"""Errors with a stable code. Derive from the class that fits, and set a code."""

from __future__ import annotations

from autonomy_core.errors import (
    AutonomyError,
    Conflict,
    InvalidInput,
    Malformed,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    ReauthenticationRequired,
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
    "ReauthenticationRequired",
    "TooLarge",
    "TooManyRequests",
    "Unavailable",
    "UnsupportedMediaType",
]
