"""The loudness of tracks and releases. Pure.

Source: EBU R 128 and Tech 3341; ITU-R BS.1770-4, which defines the gates; the ReplayGain 2.0 specification.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

REFERENCE_LUFS: Final = -18.0
"""How loud ReplayGain 2.0 makes everything."""
SILENCE_LUFS: Final = -70.0
"""What is quieter does not count (the absolute gate)."""
_RELATIVE_GATE_LU: Final = -10.0
_STEP_LU: Final = 0.3
_LOUDEST: Final = 255


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one recording.

    Attributes:
        integrated_lufs: the loudness of the whole; None for silence.
        range_lu: the loudness range.
        true_peak: the largest sample between and at the samples, 1 for full scale.
        levels: for each 100 milliseconds the loudness of 400 milliseconds, see `level_of`.
    """

    integrated_lufs: float | None
    range_lu: float
    true_peak: float
    levels: bytes


@dataclass(frozen=True, slots=True)
class AlbumLoudness:
    """The loudness of several recordings together; ``integrated_lufs`` is None for silence."""

    integrated_lufs: float | None
    true_peak: float


def gain_db(integrated_lufs: float | None) -> float | None:
    """The change in dB that brings a loudness to `REFERENCE_LUFS`; None for silence."""
    return None if integrated_lufs is None else round(REFERENCE_LUFS - integrated_lufs, 2)


def decibels(peak: float) -> float | None:
    """A peak in dBTP; None for silence."""
    return round(20 * math.log10(peak), 2) if peak > 0 else None


def level_of(lufs: float) -> int:
    """A loudness in one byte: 0 for silence, then steps of 0.3 LU. The mean of many is exact to 0.01 LU."""
    if not lufs > SILENCE_LUFS:
        return 0
    return min(_LOUDEST, 1 + int((lufs - SILENCE_LUFS) / _STEP_LU))


@lru_cache(maxsize=256)
def power_of(level: int) -> float:
    """The power of a level of `level_of`; 0 for silence."""
    return 10 ** (_lufs_of(level) / 10) if level else 0.0


def album_loudness(recordings: Iterable[tuple[bytes, float]]) -> AlbumLoudness:
    """The loudness of recordings that are heard in one go.

    Args:
        recordings: the levels and the true peak of each.
    """
    counts: Counter[int] = Counter()
    peak = 0.0
    for levels, true_peak in recordings:
        counts.update(levels)
        peak = max(peak, true_peak)
    return AlbumLoudness(_gated(counts), peak)


def album_key(masters: Sequence[str]) -> str:
    """Identifies a set of recordings by the SHA-256 of their masters."""
    return hashlib.sha256(" ".join(sorted(masters)).encode()).hexdigest()


def _gated(counts: Counter[int]) -> float | None:
    loud = {level: count for level, count in counts.items() if level}
    if not loud:
        return None
    threshold = _mean(loud) + _RELATIVE_GATE_LU
    return round(_mean({level: n for level, n in loud.items() if _lufs_of(level) > threshold}), 2)


def _mean(counts: dict[int, int]) -> float:
    power = sum(power_of(level) * count for level, count in counts.items())
    return 10 * math.log10(power / sum(counts.values()))


def _lufs_of(level: int) -> float:
    return SILENCE_LUFS + (level - 0.5) * _STEP_LU
