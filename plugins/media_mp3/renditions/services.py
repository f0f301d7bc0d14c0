"""Use cases of renditions: to have them made, to see how far they are, to find a finished file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from autonomy_core.plugin_api.audit import record
from autonomy_core.plugin_api.files import ServedFile
from autonomy_core.plugin_api.jobs import defer_once
from autonomy_core.plugin_api.media import MediaFormat
from autonomy_core.plugin_api.models import among
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.loudness.services import retry as retry_loudness
from media_mp3.models import Track
from media_mp3.previews.domain import NONE, Choice
from media_mp3.previews.formats import TITLE as PREVIEW_TITLE
from media_mp3.previews.planning import choices_of
from media_mp3.renditions.domain import FAILED, WAITING
from media_mp3.renditions.models import Rendition
from media_mp3.renditions.planning import formats_of, sold_formats
from media_mp3.settings import PLUGIN

RENDER_JOB: Final = f"{PLUGIN}.render"
ANNOUNCE_JOB: Final = f"{PLUGIN}.announce"
PREVIEW: Final = "preview"
"""How answers name the preview of a track. No format has this name."""
LOUDNESS: Final = "loudness"
"""How the audit trail names the measurement of a track."""
PAUSE_S: Final = 5
"""The next run of an unfinished job is due after so many seconds. Other organisations get its place."""


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A rendition that buyers get.

    Attributes:
        format: its format.
        size: in bytes.
        file: what `answer_with_file` takes.
    """

    format: MediaFormat
    size: int
    file: ServedFile


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rendition is, for staff.

    Attributes:
        state: see `Rendition`.
        size: of the present file in bytes, which may be an outdated one; None without one.
        error: the reason of the last failure, with its remedy; None without one.
    """

    track_id: UUID
    name: str
    title: str
    state: str
    size: int | None
    attempts: int
    error: dict[str, Any] | None
    changed_at: datetime | None


def request_renditions(scope: TenantScope) -> None:
    """Have what is missing measured and made after the scope's transaction."""
    defer_once(scope, RENDER_JOB, within_seconds=PAUSE_S)


def finished_files(scope: TenantScope, tracks: Collection[Track]) -> dict[UUID, list[FinishedFile]]:
    """The finished renditions of tracks by the track's id, in the order of the organisation's formats.

    A track without any is missing.
    """
    sold = sold_formats(scope)
    if not sold or not tracks:
        return {}
    statement = select(Rendition).where(
        among(Rendition.track_id, [track.id for track in tracks]), Rendition.made.is_not(None)
    )
    rows = {(row.track_id, row.format): row for row in scope.session.scalars(statement)}
    found: dict[UUID, list[FinishedFile]] = {}
    for track in tracks:
        for each in formats_of(track, sold):
            row = rows.get((track.id, each.name))
            if row is not None and row.storage_key and row.size is not None and row.sha256:
                file = ServedFile(row.storage_key, row.size, row.sha256, each.media_type, row.stored_at)
                found.setdefault(track.id, []).append(FinishedFile(each, row.size, file))
    return found


def finished_file(scope: TenantScope, track: Track, name: str) -> FinishedFile | None:
    """The finished rendition of a track in one format; None without one."""
    files = finished_files(scope, [track]).get(track.id, [])
    return next((each for each in files if each.format.name == name), None)


def progress_of(scope: TenantScope, tracks: Sequence[Track]) -> list[Progress]:
    """How far each format of the tracks and each preview is. One that was not planned yet is waiting."""
    sold, choices = sold_formats(scope), choices_of(scope, tracks)
    statement = select(Rendition).where(among(Rendition.track_id, [track.id for track in tracks]))
    rows = {(row.track_id, row.format): row for row in scope.session.scalars(statement)}
    found: list[Progress] = []
    for track in tracks:
        found += [
            _progress(track, each.name, each.title, rows.get((track.id, each.name)))
            for each in formats_of(track, sold)
        ]
        choice = choices[track.id]
        if choice.mode != NONE:
            found.append(_progress(track, PREVIEW, PREVIEW_TITLE, rows.get((track.id, choice.key))))
    return found


def preview_progress(scope: TenantScope, track: Track, choice: Choice) -> Progress | None:
    """How far the preview of a track is; None if it has none."""
    if choice.mode == NONE:
        return None
    row = scope.session.get(Rendition, (scope.organisation.id, track.id, choice.key))
    return _progress(track, PREVIEW, PREVIEW_TITLE, row)


def _progress(track: Track, name: str, title: str, row: Rendition | None) -> Progress:
    return Progress(
        track_id=track.id,
        name=name,
        title=title,
        state=row.state if row else WAITING,
        size=row.size if row else None,
        attempts=row.attempts if row else 0,
        error=row.explained_error if row else None,
        changed_at=row.changed_at if row else None,
    )


def retry_failed(scope: TenantScope, track: Track, *, actor: str) -> None:
    """Have the failed renditions of a track made again, and the track measured, from the first attempt on."""
    names = []
    failed = select(Rendition).where(Rendition.track_id == track.id, Rendition.state == FAILED)
    for row in scope.session.scalars(failed.with_for_update()):
        row.attempts = 0
        row.become(WAITING)
        names.append(row.format)
    if retry_loudness(scope, track):
        names.append(LOUDNESS)
    if not names:
        return
    scope.session.flush()
    detail = {"product": str(track.product_id), "formats": names}
    record(scope, actor=actor, action="track.formats_retried", target=f"track:{track.id}", detail=detail)
    request_renditions(scope)
