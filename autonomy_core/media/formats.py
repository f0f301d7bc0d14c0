"""The formats of the core, and those that an organisation can sell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from autonomy_core.kernel.media import MediaFormat, Recording, TagStyle

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope

_USUAL_RATES: Final = (32000, 44100, 48000)
"""In hertz. Every player and each of the lossy codecs has these."""


def usual_rate(sample_rate: int) -> int:
    """The sample rate of a lossy format, in hertz: the master's, or the nearest that divides evenly."""
    if sample_rate in _USUAL_RATES:
        return sample_rate
    return 44100 if sample_rate % 11025 == 0 else 48000


@dataclass(slots=True)
class LossyFormat:
    """A `MediaFormat` with two channels at most and a usual sample rate.

    Attributes:
        quality: the encoder's options.
        container: ffmpeg's name of the container, and its options.
        rate: the sample rate in hertz; None for that of `usual_rate`.
    """

    name: str
    title: str
    media_type: str
    extension: str
    encoder: str
    tags: TagStyle
    quality: tuple[str, ...]
    container: tuple[str, ...]
    rate: int | None = None
    lossless: bool = False

    def options(self, recording: Recording) -> Sequence[str]:
        """Return ffmpeg's options."""
        rate = self.rate or usual_rate(recording.sample_rate)
        # Some encoders take floating point samples, and a mix of more channels would clip there.
        shape = ("-ar", str(rate), "-ac", str(min(recording.channels, 2)), "-rematrix_maxval", "1.0")
        return ("-c:a", self.encoder, *self.quality, *shape, "-f", *self.container)


@dataclass(slots=True)
class Flac:
    """FLAC with the samples of the master; more than 24 bits become 24."""

    name: str = "flac"
    title: str = "FLAC"
    media_type: str = "audio/flac"
    extension: str = ".flac"
    encoder: str = "flac"
    tags: TagStyle = "flac"
    lossless: bool = True

    def options(self, recording: Recording) -> Sequence[str]:
        """Return ffmpeg's options."""
        wide = ("-sample_fmt", "s32", "-bits_per_raw_sample", "24")
        shape = wide if recording.bits > 16 else ("-sample_fmt", "s16")
        return ("-c:a", self.encoder, *shape, "-f", "flac")


@dataclass(slots=True)
class Wav:
    """WAV with the samples of the master; more than 24 bits become 24."""

    name: str = "wav"
    title: str = "WAV"
    media_type: str = "audio/wav"
    extension: str = ".wav"
    encoder: str = "pcm_s16le"
    tags: TagStyle = "riff"
    lossless: bool = True

    def options(self, recording: Recording) -> Sequence[str]:
        """Return ffmpeg's options."""
        return ("-c:a", "pcm_s24le" if recording.bits > 16 else self.encoder, "-f", "wav")


FORMATS: Final[tuple[MediaFormat, ...]] = (
    LossyFormat(
        "mp3_v0", "MP3 V0", "audio/mpeg", ".mp3", "libmp3lame", "id3", ("-q:a", "0"),
        ("mp3", "-id3v2_version", "3"),
    ),
    LossyFormat(
        "mp3_320", "MP3 320", "audio/mpeg", ".mp3", "libmp3lame", "id3", ("-b:a", "320k"),
        ("mp3", "-id3v2_version", "3"),
    ),
    Flac(),
    LossyFormat(
        "opus", "Opus", "audio/ogg", ".opus", "libopus", "ogg", ("-b:a", "160k"), ("opus",), rate=48000
    ),
    LossyFormat(
        "aac", "AAC", "audio/mp4", ".m4a", "aac", "mp4", ("-b:a", "256k"), ("ipod", "-movflags", "+faststart")
    ),
    Wav(),
)  # fmt: skip
"""The formats of the core."""


def media_formats(scope: TenantScope) -> Mapping[str, MediaFormat]:
    """The formats that the organisation can sell, by name: the core's, and those of its enabled plugins."""
    # Inspections of files import this module, and need no database.
    from autonomy_core.kernel.runtime import runtime_of  # noqa: PLC0415

    enabled = (None, *scope.organisation.plugins)
    return {each.name: each for plugin, each in runtime_of(scope).media_formats if plugin in enabled}
