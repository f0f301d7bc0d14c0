"""Limits of attempts, counted in the database, for plugins: see `count_attempt`."""

from __future__ import annotations

from autonomy_core.security.domain import Bucket, RateLimit
from autonomy_core.security.limits import count_attempt, forgive_attempt

__all__ = ["Bucket", "RateLimit", "count_attempt", "forgive_attempt"]
