"""Decode a track once, in blocks, to check its duration and to compute its waveform."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path

import miniaudio

from media_mp3.domain import PEAKS, Finding, finding
from media_mp3.mpeg.frames import Walk

_BLOCK_SAMPLES = 1152 * 8
_MOST_SAMPLES_LOOKED_AT = 4_000_000
_FULL_SCALE = 32768


@dataclass(frozen=True, slots=True)
class Decoded:
    """The findings of the decoder, and the waveform."""

    findings: tuple[Finding, ...]
    peaks: tuple[int, ...] = ()


def decode(path: Path, walked: Walk) -> Decoded:
    """Decode a file whose frames were walked without a finding.

    Args:
        path: the file.
        walked: what the walk found; it has at least one frame.
    """
    header, _ = walked.headers()[0]
    waveform = Waveform(walked.samples, header.channels)
    try:
        for block in miniaudio.mp3_stream_file(str(path), frames_to_read=_BLOCK_SAMPLES):
            waveform.add(block)
    except miniaudio.DecodeError:
        return Decoded((finding("undecodable"),))
    expected, tolerance = walked.samples, header.samples * (1 + walked.undecodable_start)
    trimmed = walked.length_header.trimmed if walked.length_header else 0
    if not expected - trimmed - tolerance <= waveform.samples <= expected + header.samples:
        decoded_ms, walked_ms = (1000 * n // header.sample_rate for n in (waveform.samples, expected))
        return Decoded((finding("decode_mismatch", decoded_ms=decoded_ms, walked_ms=walked_ms),))
    return Decoded((), waveform.scaled())


class Waveform:
    """Collects the loudest sample of each of `PEAKS` equal parts.

    It reads only every n-th sample of a long recording. The difference cannot be seen at two hundred points,
    and Python would need more time for all samples than the decoder does.
    """

    def __init__(self, expected: int, channels: int) -> None:
        self._expected, self._channels = max(1, expected), channels
        # An odd step visits both channels in turn.
        self._step = expected * channels // _MOST_SAMPLES_LOOKED_AT | 1
        self._peaks = [0] * PEAKS
        self.samples = 0

    def add(self, block: array[int]) -> None:
        """Take the next interleaved 16-bit samples, which may cross the edge of a part."""
        position, length = 0, len(block) // self._channels
        while position < length:
            index = min((self.samples + position) * PEAKS // self._expected, PEAKS - 1)
            edge = -(-(index + 1) * self._expected // PEAKS) - self.samples
            stop = length if index == PEAKS - 1 else min(length, edge)
            looked_at = block[position * self._channels : stop * self._channels : self._step]
            highest, lowest = max(looked_at), min(looked_at)
            self._peaks[index] = max(self._peaks[index], highest, -lowest)
            position = stop
        self.samples += length

    def scaled(self) -> tuple[int, ...]:
        """Return the peaks as values of 0 to 255."""
        return tuple(min(255, peak * 256 // _FULL_SCALE) for peak in self._peaks)
