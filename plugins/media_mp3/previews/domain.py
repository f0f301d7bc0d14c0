"""Which part of a track visitors hear. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

NONE: Final = "none"
FULL: Final = "full"
EXCERPT: Final = "excerpt"
MODES: Final = (NONE, FULL, EXCERPT)

KEY_PREFIX: Final = "preview:"
"""Of the names by which renditions have previews. No format has such a name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What visitors hear of a track.

    Attributes:
        mode: one of `MODES`.
        length_ms: of an excerpt at most, in milliseconds.
        start_ms: where an excerpt begins, in milliseconds; None for its loudest part.
    """

    mode: str
    length_ms: int
    start_ms: int | None = None

    @property
    def key(self) -> str:
        """Names the preview among the renditions of a track. A preview of another length has another name.

        So a longer preview that was made before is not sent, whatever has changed the length.
        """
        if self.mode != EXCERPT:
            return f"{KEY_PREFIX}{self.mode}"
        start = "" if self.start_ms is None else f"@{self.start_ms}"
        return f"{KEY_PREFIX}{self.length_ms}{start}"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a track, in milliseconds."""

    start_ms: int
    length_ms: int


def excerpt_of(choice: Choice, duration_ms: int, levels: Sequence[float]) -> Excerpt:
    """The part of a track that visitors hear. It is half of the track at most.

    Args:
        choice: with the mode ``excerpt``.
        duration_ms: of the track, in milliseconds.
        levels: the power of equal parts of the track, in their order; its unit does not matter.
    """
    length = min(choice.length_ms, duration_ms // 2)
    if choice.start_ms is not None:
        return Excerpt(min(choice.start_ms, duration_ms - length), length)
    return Excerpt(_loudest(levels, duration_ms, length), length)


def _loudest(levels: Sequence[float], duration_ms: int, length_ms: int) -> int:
    """Where the loudest part of a length begins, in milliseconds. Of equal ones the first counts."""
    if not levels:
        return 0
    width = max(1, length_ms * len(levels) // max(1, duration_ms))
    sums = [0.0, *accumulate(levels)]
    begins = range(len(levels) - width + 1)
    best = max(begins, key=lambda begin: sums[begin + width] - sums[begin])
    return min(best * duration_ms // len(levels), duration_ms - length_ms)
