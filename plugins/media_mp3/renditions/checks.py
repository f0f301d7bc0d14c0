"""The check of the formats that an organisation lists."""

from __future__ import annotations

from collections.abc import Iterator

from autonomy_core.plugin_api.checks import Finding
from autonomy_core.plugin_api.media import INSTALL, encoders, find_ffmpeg, media_formats
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.settings import PLUGIN


def check_formats(scope: TenantScope) -> Iterator[Finding]:
    """Find listed formats that do not exist, or that the ffmpeg of this machine cannot make."""
    known, listed = media_formats(scope), scope.settings(PLUGIN)["formats"]
    for name in listed:
        if name not in known:
            yield Finding(
                "format_unknown",
                "error",
                f"[{PLUGIN}] formats lists {name!r}, which is no format",
                f"write some of: {', '.join(known)}",
                subject=name,
            )
    if listed and find_ffmpeg() is None:
        yield Finding(
            "ffmpeg_missing",
            "warning",
            "this machine has no ffmpeg, so that a worker here makes no formats",
            INSTALL,
        )
        return
    for each in (known[name] for name in listed if name in known):
        # A WAV of more than 16 bits has another encoder; any ffmpeg has both.
        if each.encoder not in encoders():
            yield Finding(
                "encoder_missing",
                "warning",
                f"the ffmpeg of this machine has no encoder {each.encoder}, which {each.title} needs",
                "install a build of ffmpeg that has it",
                subject=each.name,
            )
