"""Decodes masters with ffmpeg: ALAC, and FLAC of 32 bits, which the decoder in the process does not know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from autonomy_core.plugin_api.media import (
    FfmpegFailed,
    FfmpegLimitReached,
    FfmpegLimits,
    FfmpegMissing,
    input_arguments,
    stream_ffmpeg,
)
from media_mp3.domain import finding
from media_mp3.masters.container import NotDecoded

LIMITS: Final = FfmpegLimits(cpu_s=60, memory_bytes=400 * 1024 * 1024, wall_s=80.0)


def decoded(path: Path, demuxer: str, bits: int, channels: int, *options: str, name: str) -> Iterator[bytes]:
    """Decode the first audio stream of a file, in pieces of whole frames.

    Args:
        demuxer: ffmpeg's name of the container.
        bits: of a sample in the pieces, 16 or 32; they are little-endian.
        channels: of the recording.
        options: ffmpeg's, of the input.
        name: of the format, for people who have no ffmpeg.

    Raises:
        NotDecoded
    """
    output = ["-map", "0:a:0", "-f", f"s{bits}le", "-c:a", f"pcm_s{bits}le", "pipe:1"]
    frame, rest = bits // 8 * channels, b""
    try:
        for piece in stream_ffmpeg(["-xerror", *options, *input_arguments(path, demuxer), *output], LIMITS):
            rest += piece
            whole = len(rest) - len(rest) % frame
            yield rest[:whole]
            rest = rest[whole:]
    except FfmpegMissing:
        raise NotDecoded(finding("decoder_missing", format=name)) from None
    except FfmpegLimitReached as error:
        raise NotDecoded(finding("inspection_limit", limit=error.limit)) from error
    except FfmpegFailed as error:
        raise NotDecoded(finding("undecodable")) from error
