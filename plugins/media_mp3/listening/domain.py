"""Which plays are believed. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from media_mp3.listening.errors import PlayTimeRefused

FASTEST_CLOCK: Final = timedelta(minutes=5)
"""How far the clock of a player may be ahead. The time is kept as it was sent: a play is known by it."""

OLDEST_PLAY: Final = timedelta(days=30)
"""A player reports later what it played without a network. After that, the figures of a day stay."""


def require_credible(played_at: datetime, now: datetime) -> None:
    """Check when a track is said to have been heard.

    Raises:
        PlayTimeRefused: in the future, or too long ago.
    """
    earliest, latest = now - OLDEST_PLAY, now + FASTEST_CLOCK
    if not earliest <= played_at <= latest:
        raise PlayTimeRefused(
            f"A play is reported within {OLDEST_PLAY.days} days, and not in advance.",
            extra={"earliest": _shown(earliest), "latest": _shown(latest)},
        )


def _shown(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
