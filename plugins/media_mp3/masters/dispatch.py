"""Finds the parser of a container by its first bytes, and the decoder of its audio."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from media_mp3.masters import aiff, flac, pcm, wav
from media_mp3.masters.container import Container
from media_mp3.mpeg.decode import Decoded

FLAC: Final = b"fLaC"

Parse = Callable[[BinaryIO, int], Container]


def container_of(head: bytes) -> Parse | None:
    """The parser of a file that begins so; None for FLAC and MP3, which may begin with a tag.

    Args:
        head: the first 12 bytes at least.
    """
    if head[:4] in (b"RIFF", *wav.WIDE) and head[8:12] == b"WAVE":
        return wav.parse
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return aiff.parse
    if head[4:8] == b"ftyp":
        from media_mp3.masters import mp4  # noqa: PLC0415 - only this format needs to run a program

        return mp4.parse
    return None


def decode(path: Path, file: BinaryIO, container: Container) -> tuple[Decoded, int]:
    """Decode the audio of a container without a finding that refuses it.

    Returns:
        The waveform and the decoder's findings, and the number of samples of each channel.
    """
    if isinstance(container, flac.Stream):
        return flac.decode(path, container), container.samples or 0
    if container.format == "alac":
        from media_mp3.masters import mp4  # noqa: PLC0415 - see above

        return mp4.decode(path, container), container.samples or 0
    return pcm.read_through(file, container)
