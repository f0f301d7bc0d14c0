"""Measures the loudness of a recording with ffmpeg's filter ``ebur128``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from autonomy_core.plugin_api.media import FfmpegFailed, FfmpegLimits, input_arguments, stream_ffmpeg
from media_mp3.loudness.domain import SILENCE_LUFS, Measured, level_of

LIMITS: Final = FfmpegLimits(cpu_s=1800, wall_s=3600.0)
"""For one recording. An hour of stereo takes about a minute."""

_FILTER: Final = "ebur128=peak=true:metadata=1,ametadata=mode=print:file=-"
_PREFIX: Final = "lavfi.r128."
_MOMENTARY: Final = f"{_PREFIX}M"
_PEAKS: Final = f"{_PREFIX}true_peaks_ch"


def measure(path: Path, demuxer: str, limits: FfmpegLimits = LIMITS) -> Measured:
    """Measure a recording that has been inspected.

    Args:
        path: the file.
        demuxer: ffmpeg's name of its container, see `input_arguments`.
        limits: of the process.

    Raises:
        FfmpegMissing, FfmpegFailed, FfmpegLimitReached
    """
    arguments = [*input_arguments(path, demuxer), "-map", "0:a:0", "-af", _FILTER, "-f", "null", "-"]
    levels, last = bytearray(), {}
    for name, value in _values(stream_ffmpeg(arguments, limits)):
        last[name] = value
        if name == _MOMENTARY:
            levels.append(level_of(value))
    if _MOMENTARY not in last:
        # A recording of less than 100 milliseconds has no loudness.
        return Measured(None, 0.0, 0.0, b"")
    integrated = last.get(f"{_PREFIX}I", SILENCE_LUFS)
    return Measured(
        integrated if integrated > SILENCE_LUFS else None,
        last.get(f"{_PREFIX}LRA", 0.0),
        max((value for name, value in last.items() if name.startswith(_PEAKS)), default=0.0),
        bytes(levels),
    )


def _values(pieces: Iterable[bytes]) -> Iterator[tuple[str, float]]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            name, found, value = line.decode("ascii", "replace").partition("=")
            if not found:
                continue
            try:
                yield name, float(value)
            except ValueError as error:
                raise FfmpegFailed(f"it wrote {value[:20]!r} as a number") from error
