"""The waveform of a track, for pages. The inspection has made its points. Pure.

Source: the data format of BBC audiowaveform, version 2.
"""

from __future__ import annotations

from typing import Any, Final

_USUAL_RATE: Final = 44100
_HALF: Final = 50
"""Half of the height of the picture, in its own units."""


def document(peaks: bytes, duration_ms: int, sample_rate: int | None) -> dict[str, Any]:
    """The waveform in audiowaveform's JSON, with one channel.

    Args:
        peaks: the largest sample of each of as many equal parts, 255 for full scale.
        duration_ms: of the track, in milliseconds.
        sample_rate: in hertz; None if it was not recorded.
    """
    rate = sample_rate or _USUAL_RATE
    samples = duration_ms * rate // 1000
    return {
        "version": 2,
        "channels": 1,
        "sample_rate": rate,
        "samples_per_pixel": max(1, -(-samples // max(1, len(peaks)))),
        "bits": 8,
        "length": len(peaks),
        "data": [value for peak in peaks for value in (-(peak // 2), peak // 2)],
    }


def svg(peaks: bytes) -> bytes:
    """A picture with a line for each point, in the colour of the text around it, of any width and height."""
    width = max(1, len(peaks))
    lines = "".join(f"M{at}.5 {_HALF - half}V{_HALF + half}" for at, half in enumerate(_halves(peaks)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {2 * _HALF}" '
        f'preserveAspectRatio="none"><path d="{lines}" stroke="currentColor" stroke-width="0.7"/></svg>'
    ).encode()


def _halves(peaks: bytes) -> list[int]:
    return [max(1, peak * _HALF // 255) for peak in peaks]
