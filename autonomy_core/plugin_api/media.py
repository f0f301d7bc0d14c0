"""Audio, for plugins: ffmpeg as a limited process of its own."""

from __future__ import annotations

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

__all__ = [
    "INSTALL",
    "FfmpegFailed",
    "FfmpegLimitReached",
    "FfmpegLimits",
    "FfmpegMissing",
    "encoders",
    "find_ffmpeg",
    "input_arguments",
    "run_ffmpeg",
    "stream_ffmpeg",
]
