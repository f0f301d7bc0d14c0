"""How previews are made: an excerpt of an MP3 is cut out of it, all others are encoded by ffmpeg."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from autonomy_core.plugin_api.media import LossyFormat, Recording, TagStyle
from media_mp3.previews.domain import Excerpt

TITLE: Final = "Preview"
MEDIA_TYPE: Final = "audio/mpeg"

_ENCODED: Final = LossyFormat(
    "preview",
    TITLE,
    MEDIA_TYPE,
    ".mp3",
    "libmp3lame",
    "none",
    ("-b:a", "128k"),
    ("mp3", "-id3v2_version", "0"),
)


@dataclass(slots=True)
class EncodedPreview:
    """A `MediaFormat`: a track, or a part of it, as MP3 of 128 kbit/s without tags.

    Attributes:
        name: see `Choice.key`.
        part: None for the whole track.
    """

    name: str
    part: Excerpt | None

    title: str = TITLE
    media_type: str = MEDIA_TYPE
    extension: str = ".mp3"
    encoder: str = _ENCODED.encoder
    lossless: bool = False
    tags: TagStyle = "none"

    def options(self, recording: Recording) -> Sequence[str]:
        """Return ffmpeg's options."""
        options = _ENCODED.options(recording)
        if self.part is None:
            return options
        return ("-ss", f"{self.part.start_ms}ms", "-t", f"{self.part.length_ms}ms", *options)


@dataclass(slots=True)
class CutPreview:
    """A `MediaFormat`: a part of an MP3, which `media_mp3.mpeg.cutting` cuts out without ffmpeg."""

    name: str
    part: Excerpt

    title: str = TITLE
    media_type: str = MEDIA_TYPE
    extension: str = ".mp3"
    encoder: str = "copy"
    lossless: bool = False
    tags: TagStyle = "none"

    def options(self, recording: Recording) -> Sequence[str]:
        """Return what identifies the part. ffmpeg does not run."""
        return ("cut", str(self.part.start_ms), str(self.part.length_ms))
