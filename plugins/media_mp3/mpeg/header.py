"""Headers of MPEG audio frames, and the Xing, Info and VBRI headers.

Source: ISO/IEC 11172-3, 2.4.1.3; ISO/IEC 13818-3; the MPEG 2.5 extension.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

HEADER_BYTES = 4
DECODER_DELAY = 529
"""Samples; of every layer III decoder."""
SHAPE_MASK = 0xFFFEFEC0
"""The bits of a header that decide about version, layer, bitrate, rate, padding and channels."""

_VERSIONS = {0: "2.5", 2: "2", 3: "1"}
_LAYERS = {1: 3, 2: 2, 3: 1}
_SAMPLE_RATES = {"1": (44100, 48000, 32000), "2": (22050, 24000, 16000), "2.5": (11025, 12000, 8000)}
_KILOBITS = {
    ("1", 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    ("1", 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    ("1", 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    ("2", 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    ("2", 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    ("2", 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """One frame's header.

    Attributes:
        bitrate: bits a second; 0 for free format.
        length: bytes of the whole frame, this header included; 0 for free format.
        samples: how many samples per channel it decodes to.
    """

    version: str
    layer: int
    bitrate: int
    sample_rate: int
    channels: int
    length: int
    samples: int

    @property
    def side_info_bytes(self) -> int:
        """Bytes of layer III side information, which follow the header."""
        if self.version == "1":
            return 17 if self.channels == 1 else 32
        return 9 if self.channels == 1 else 17


@lru_cache(maxsize=4096)
def parse_header(word: int) -> FrameHeader | None:
    """Read the four bytes of a frame header.

    Args:
        word: the four bytes, big-endian; masked with `SHAPE_MASK` it is cached better.

    Returns:
        The header, or None when this is not one.
    """
    version, layer = _VERSIONS.get(word >> 19 & 3), _LAYERS.get(word >> 17 & 3)
    bitrate_index, rate_index = word >> 12 & 15, word >> 10 & 3
    if word >> 21 != 0x7FF or version is None or layer is None or bitrate_index == 15 or rate_index == 3:
        return None
    bitrate = _bitrate(version, layer, bitrate_index)
    sample_rate = _SAMPLE_RATES[version][rate_index]
    channels = 1 if word >> 6 & 3 == 3 else 2
    samples = 384 if layer == 1 else 576 if layer == 3 and version != "1" else 1152
    length = _length(layer, samples, bitrate, sample_rate, word >> 9 & 1) if bitrate else 0
    return FrameHeader(version, layer, bitrate, sample_rate, channels, length, samples)


def _bitrate(version: str, layer: int, index: int) -> int:
    table = _KILOBITS["1" if version == "1" else "2", layer]
    return 1000 * table[index - 1] if index else 0


def _length(layer: int, samples: int, bitrate: int, sample_rate: int, padding: int) -> int:
    if layer == 1:
        return (12 * bitrate // sample_rate + padding) * 4
    return samples // 8 * bitrate // sample_rate + padding


@dataclass(frozen=True, slots=True)
class LengthHeader:
    """The values that a Xing, Info or VBRI frame declares; None if a value is missing or 0 (unknown).

    Attributes:
        frames: audio frames.
        size: bytes of the MPEG stream.
        trimmed: samples at both ends that a gapless decoder leaves out.
        skipped: those of them at the beginning.
    """

    frames: int | None
    size: int | None
    trimmed: int = 0
    skipped: int = 0


def parse_length_header(frame: bytes, header: FrameHeader) -> LengthHeader | None:
    """Read the first frame as a Xing, Info or VBRI frame; None when it is ordinary audio."""
    xing = HEADER_BYTES + header.side_info_bytes
    for offset in (xing, xing + 2):  # with a CRC behind the header
        if frame[offset : offset + 4] in (b"Xing", b"Info"):
            return _parse_xing(frame[offset:])
    if frame[36:40] == b"VBRI":
        return LengthHeader(int.from_bytes(frame[50:54]) or None, int.from_bytes(frame[46:50]) or None)
    return None


def _parse_xing(block: bytes) -> LengthHeader:
    flags, position = int.from_bytes(block[4:8]), 8
    frames = size = None
    if flags & 1:
        frames, position = int.from_bytes(block[position : position + 4]), position + 4
    if flags & 2:
        size, position = int.from_bytes(block[position : position + 4]), position + 4
    position += (100 if flags & 4 else 0) + (4 if flags & 8 else 0)
    return LengthHeader(frames or None, size or None, *_trimmed_samples(block[position:]))


def _trimmed_samples(lame: bytes) -> tuple[int, int]:
    """What a decoder leaves out at both ends and at the beginning, from the part with the encoder's name.

    It has the encoder's delay and its padding, twelve bits each. A decoder also removes its own delay: that
    is added to the encoder's and subtracted from the padding.
    """
    if len(lame) < 24 or lame[0] == 0:
        return 0, 0
    both = int.from_bytes(lame[21:24])
    delay, padding = both >> 12, both & 0xFFF
    return delay + max(padding, DECODER_DELAY), delay + DECODER_DELAY


def main_data_begin(frame: bytes, header: FrameHeader) -> int:
    """How many bytes of earlier frames this layer III frame needs (the bit reservoir)."""
    start = HEADER_BYTES + (0 if frame[1] & 1 else 2)
    bits = int.from_bytes(frame[start : start + 2])
    return bits >> 7 if header.version == "1" else bits >> 8
