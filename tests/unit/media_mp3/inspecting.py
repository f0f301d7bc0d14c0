"""Inspects files as the server does."""

from __future__ import annotations

from collections.abc import Callable

from media_mp3.domain import TrackReport

Inspect = Callable[[bytes], TrackReport]
