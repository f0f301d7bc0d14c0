"""Which previews there have to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from autonomy_core.plugin_api.media import MediaFormat
from autonomy_core.plugin_api.models import among
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.loudness.domain import power_of
from media_mp3.models import Track
from media_mp3.previews.domain import EXCERPT, FULL, NONE, Choice, excerpt_of
from media_mp3.previews.formats import CutPreview, EncodedPreview
from media_mp3.previews.models import PreviewChoice
from media_mp3.settings import PLUGIN


def choices_of(scope: TenantScope, tracks: Sequence[Track]) -> Mapping[UUID, Choice]:
    """What visitors hear of tracks, by the track's id. Removed and hidden tracks have no preview."""
    mode, length_ms = default_of(scope)
    statement = select(PreviewChoice).where(among(PreviewChoice.track_id, [track.id for track in tracks]))
    chosen = {row.track_id: row for row in scope.session.scalars(statement)} if tracks else {}
    found = {}
    for track in tracks:
        row = chosen.get(track.id)
        if track.removed_at is not None or track.hidden:
            found[track.id] = Choice(NONE, length_ms)
        elif row is None:
            found[track.id] = Choice(mode, length_ms)
        else:
            found[track.id] = Choice(row.mode, row.length_ms or length_ms, row.start_ms)
    return found


def has_previews(scope: TenantScope) -> bool:
    """Whether any track may have a preview."""
    if default_of(scope)[0] != NONE:
        return True
    chosen = select(PreviewChoice.track_id).where(PreviewChoice.mode != NONE).limit(1)
    return scope.session.scalar(chosen) is not None


def default_of(scope: TenantScope) -> tuple[str, int]:
    """The mode of the ini file, and the length of an excerpt in milliseconds."""
    settings = scope.settings(PLUGIN)
    return settings["previews"], int(settings["preview_seconds"]) * 1000


def preview_format(track: Track, choice: Choice) -> MediaFormat | None:
    """How the preview of a track is made; None if it has none."""
    if choice.mode == FULL:
        return EncodedPreview(choice.key, None)
    if choice.mode != EXCERPT:
        return None
    part = excerpt_of(choice, track.duration_ms, _levels(track))
    if track.format == "mp3":
        return CutPreview(choice.key, part)
    return EncodedPreview(choice.key, part)


def _levels(track: Track) -> list[float]:
    """The power of the parts of a track: as it was measured, or by the waveform where it was not."""
    levels = track.loudness.levels if track.loudness else None
    if levels:
        return [power_of(level) for level in levels]
    return [float(peak * peak) for peak in track.peaks]
