"""Audio, for plugins: ffmpeg as a limited process of its own, and the formats that it makes."""

from __future__ import annotations

from autonomy_core.kernel.media import FORMAT_NAME, MediaFormat, Recording, TagStyle
from autonomy_core.media.encoding import VERSIONS as ENCODING_VERSIONS
from autonomy_core.media.encoding import Cover, ReplayGain, TrackTags, encode
from autonomy_core.media.ffmpeg import (
    INSTALL,
    FfmpegFailed,
    FfmpegLimitReached,
    FfmpegLimits,
    FfmpegMissing,
    encoders,
    find_ffmpeg,
    input_arguments,
    run_ffmpeg,
    stream_ffmpeg,
)
from autonomy_core.media.formats import FORMATS as CORE_FORMATS
from autonomy_core.media.formats import LossyFormat, media_formats

__all__ = [
    "CORE_FORMATS",
    "ENCODING_VERSIONS",
    "FORMAT_NAME",
    "INSTALL",
    "Cover",
    "FfmpegFailed",
    "FfmpegLimitReached",
    "FfmpegLimits",
    "FfmpegMissing",
    "LossyFormat",
    "MediaFormat",
    "Recording",
    "ReplayGain",
    "TagStyle",
    "TrackTags",
    "encode",
    "encoders",
    "find_ffmpeg",
    "input_arguments",
    "media_formats",
    "run_ffmpeg",
    "stream_ffmpeg",
]
