"""The Protocol of the formats in which recordings are sold, and what a format is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, runtime_checkable

__all__ = ["FORMAT_NAME", "MediaFormat", "Recording", "TagStyle"]

FORMAT_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
"""The form of the name of a format."""

TagStyle = Literal["id3", "flac", "ogg", "mp4", "riff", "none"]
"""How a format keeps tags and a cover. ``riff`` has texts without a cover, ``none`` has neither."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The shape of a master, which decides the options of an encoder.

    Attributes:
        sample_rate: in hertz.
        channels: from 1 on.
        bits: of a sample: 8, 16, 24 or 32.
        samples: of each channel; None if that is not known.
    """

    sample_rate: int
    channels: int
    bits: int
    samples: int | None = None


@runtime_checkable
class MediaFormat(Protocol):
    """A format in which a shop sells its recordings. The worker makes it from each lossless master.

    An organisation's ini file names the formats that it sells. The worker runs ffmpeg as a limited process
    without a network, with ``options``, and writes tags and a cover as ``tags`` says.
    `autonomy_core.testing.format_contract` tests a format.
    """

    name: str
    """How ini files and URLs name it: lower-case letters, digits and underscores."""

    title: str
    """For people: ``MP3 V0``."""

    media_type: str
    """The Content-Type of its files: ``audio/mpeg``."""

    extension: str
    """Of the names of its files, with the dot: ``.mp3``."""

    lossless: bool
    """Whether decoding gives exactly the samples of the master."""

    encoder: str
    """The name of ffmpeg's encoder. The doctor reports a server whose ffmpeg does not have it."""

    tags: TagStyle
    """How its files keep tags and a cover."""

    def options(self, recording: Recording) -> Sequence[str]:
        """Return ffmpeg's options of the output, from the codec to the container (``-f``).

        They must depend on the arguments only: the worker makes a file anew when they change.

        Args:
            recording: the shape of the master.
        """
