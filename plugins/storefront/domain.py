"""How the content of a release is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple, Protocol


class Track(Protocol):
    """What is read of a track."""

    @property
    def disc(self) -> int:
        """The number of its disc, from 1."""

    @property
    def duration_ms(self) -> int:
        """In milliseconds."""


class Disc(NamedTuple):
    """The tracks of a disc, in their order."""

    number: int
    tracks: Sequence[Track]


def discs_of(tracks: Iterable[Track]) -> list[Disc]:
    """Divide tracks, which are in their order, by their discs."""
    return [Disc(number, tuple(found)) for number, found in groupby(tracks, lambda track: track.disc)]


def duration_of(tracks: Iterable[Track]) -> int:
    """Return how long tracks are together, in milliseconds."""
    return sum(track.duration_ms for track in tracks)
