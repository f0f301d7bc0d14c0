"""Reads PCM once, to count its samples and to compute the waveform. PCM needs no decoder."""

from __future__ import annotations

import sys
from array import array
from typing import BinaryIO, Final

from media_mp3.domain import finding
from media_mp3.masters.container import Container
from media_mp3.mpeg.decode import Decoded, Waveform

_BLOCK_FRAMES: Final = 16 * 1024
_FULL_SCALE: Final = 32767


class NotFinite(ValueError):
    """A floating point sample is no number."""


def read_through(file: BinaryIO, found: Container) -> tuple[Decoded, int]:
    """Read all samples.

    Returns:
        The waveform, and the number of samples of each channel.
    """
    frames, rest = divmod(found.length, found.frame_bytes)
    notes = [finding("last_frame_short", missing=found.frame_bytes - rest)] if rest else []
    if frames == 0:
        return Decoded((finding("no_audio"),)), 0
    waveform = Waveform(frames, found.channels)
    file.seek(found.start)
    try:
        while waveform.samples < frames:
            wanted = min(_BLOCK_FRAMES, frames - waveform.samples)
            block = file.read(wanted * found.frame_bytes)
            if len(block) < wanted * found.frame_bytes:
                raise OSError("the file became shorter while it was read")
            waveform.add(sixteen_bits(block, found))
    except NotFinite:
        return Decoded((finding("undecodable"),)), frames
    return Decoded(tuple(notes), waveform.scaled()), frames


def sixteen_bits(block: bytes, found: Container) -> array[int]:
    """The upper 16 bits of each sample, in the order of this machine.

    Raises:
        NotFinite
    """
    if found.coding == "float":
        return _of_float(block, found)
    width = found.sample_bytes
    if width == 1:
        return _of_bytes(block, found)
    if width == 2:
        upper = block
    else:
        first = 0 if found.big_endian else width - 2
        halves = bytearray(len(block) // width * 2)
        halves[0::2], halves[1::2] = block[first::width], block[first + 1 :: width]
        upper = bytes(halves)
    samples = array("h", upper)
    if found.big_endian == (sys.byteorder == "little"):
        samples.byteswap()
    return samples


def _of_bytes(block: bytes, found: Container) -> array[int]:
    """Samples of 8 bits, which have a sign in AIFF, and none in WAV."""
    unsigned = 128 if found.format == "wav" else 0
    return array("h", [((byte ^ unsigned ^ 128) - 128) << 8 for byte in block])


def _of_float(block: bytes, found: Container) -> array[int]:
    samples = array("f", block)
    if found.big_endian == (sys.byteorder == "little"):
        samples.byteswap()
    try:
        return array("h", [max(-_FULL_SCALE, min(_FULL_SCALE, int(one * _FULL_SCALE))) for one in samples])
    except (ValueError, OverflowError) as error:
        raise NotFinite from error
