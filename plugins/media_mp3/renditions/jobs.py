"""The jobs: `render` makes what is missing, `announce` calls the hook `on_track_ready`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select

from autonomy_core.plugin_api.events import TrackReady
from autonomy_core.plugin_api.files import FairTurns, TurnsBusy, keep_upload, key_of, store_upload
from autonomy_core.plugin_api.jobs import defer, defer_again
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.archives.checksums import checksum_of_file, keep_checksum
from media_mp3.loudness.jobs import measure_missing
from media_mp3.models import Track
from media_mp3.renditions import making
from media_mp3.renditions.domain import (
    FAILED,
    MOST_ATTEMPTS,
    PASSING,
    READY,
    RUNNING,
    WAITING,
    PassingFailures,
)
from media_mp3.renditions.models import Rendition
from media_mp3.renditions.planning import (
    WantedRendition,
    formats_of,
    plan,
    reconsider,
    sold_formats,
    wanted_renditions,
)
from media_mp3.renditions.services import ANNOUNCE_JOB, PAUSE_S, RENDER_JOB
from media_mp3.settings import PLUGIN, RENDITIONS

log = structlog.get_logger(__name__)

EVERY_S: Final = 300
"""How often the job compares all files with what they have to be, in seconds.

A change of a track, of its product or of a cover defers a run at once. A change of an ini file does not.
"""
BUDGET_S: Final = 60.0
"""After so many seconds the job begins no further rendition, and lets other jobs run."""


def render(scope: TenantScope) -> None:
    """Measure and make what is missing of one organisation, for `BUDGET_S` seconds.

    A half of the time is for measuring. Files of products that are not measured yet are made in a later run,
    since the gain is in their tags. No other run does the same meanwhile.

    Args:
        scope: its transaction begins at the end. So no connection is held while ffmpeg runs.
    """
    began = time.monotonic()
    turns = _turns(scope.server_settings(PLUGIN)["encodings_at_once"])
    left = measure_missing(scope, turns, began + BUDGET_S / 2)
    with scope.begin() as own:
        missing = [each for each in plan(own, making.obstacle_to) if each.product_id not in left.products]
    is_over = _render_missing(scope, turns, began + BUDGET_S, missing)
    if left.can_go_on or not is_over:
        defer_again(scope, RENDER_JOB, in_seconds=PAUSE_S)


def _render_missing(
    scope: TenantScope, turns: FairTurns, deadline: float, missing: Sequence[WantedRendition]
) -> bool:
    """Make files until a moment. Return False if some are left that can be made in the next run."""
    failures = PassingFailures()
    for wanted in missing:
        if failures.concern(wanted.track_id):
            continue
        try:
            with turns.turn(scope.organisation.id, deadline - time.monotonic()):
                failures.note(wanted.track_id, _render_one(scope, wanted))
        except TurnsBusy:
            return False
        if failures.are_of_all_tracks:
            break
        if time.monotonic() > deadline:
            return False
    return True  # the periodic job tries again what has failed


@lru_cache(maxsize=8)
def _turns(at_once: int) -> FairTurns:
    """The turns to run ffmpeg in this process. As many jobs may wait for one; each occupies a thread."""
    return FairTurns(at_once, at_once)


def _render_one(scope: TenantScope, wanted: WantedRendition) -> str | None:
    """Make one file, unless it is not wanted any more. Return the code of the failure; None without one."""
    with scope.begin() as own:
        row = _row(own, wanted)
        if row is None or row.state != WAITING or row.wanted != wanted.fingerprint:
            return None
        row.attempts += 1
        row.become(RUNNING)
    began = time.monotonic()
    try:
        with making.made(scope, wanted) as file:
            crc32 = checksum_of_file(file.path)
            store_upload(scope, RENDITIONS, file)
            with scope.begin() as own:
                if _is_wanted(own, wanted, file_key := key_of(own, RENDITIONS, file.sha256)):
                    row = _row(own, wanted)
                    assert row is not None  # noqa: S101 - for the type checker
                    row.made, row.storage_key = wanted.fingerprint, file_key
                    row.size, row.sha256, row.stored_at = file.size, file.sha256, utcnow()
                    row.become(READY)
                    own.session.flush()
                    keep_checksum(own, file_key, crc32)
                    keep_upload(own, RENDITIONS, file)
                    if not wanted.is_preview:
                        _announce_if_complete(own, wanted)
    except making.NotMade as error:
        with scope.begin() as own:
            _fail(own, wanted, error.code)
        return error.code
    log.info(
        "media_mp3.rendition_made",
        track=str(wanted.track_id),
        format=wanted.format.name,
        size=file.size,
        seconds=round(time.monotonic() - began, 1),
    )
    return None


def _row(scope: TenantScope, wanted: WantedRendition) -> Rendition | None:
    """The rendition, locked; None if the track was deleted, or the format is not sold any more."""
    key = (scope.organisation.id, wanted.track_id, wanted.format.name)
    return scope.session.get(Rendition, key, with_for_update=True, populate_existing=True)


def _is_wanted(scope: TenantScope, wanted: WantedRendition, key: str) -> bool:
    """Whether the file is still what the rendition has to be. If not, the next run makes it anew."""
    row = _row(scope, wanted)
    if row is None:
        return False
    now = next(
        (
            each
            for each in wanted_renditions(scope, [wanted.product_id])
            if (each.track_id, each.format.name) == (wanted.track_id, wanted.format.name)
        ),
        None,
    )
    if now is not None and now.fingerprint == wanted.fingerprint:
        return True
    log.info("media_mp3.rendition_outdated", track=str(wanted.track_id), format=wanted.format.name, key=key)
    row.become(WAITING)
    if now is not None:
        reconsider(row, now.fingerprint)
    return False


def _fail(scope: TenantScope, wanted: WantedRendition, code: str) -> None:
    row = _row(scope, wanted)
    if row is None or row.state != RUNNING:
        return
    if code in PASSING:
        row.attempts = 0
    is_final = code in PASSING or row.attempts >= MOST_ATTEMPTS or code == "encoding_limit"
    row.become(FAILED if is_final else WAITING, code)


def _announce_if_complete(scope: TenantScope, wanted: WantedRendition) -> None:
    track = scope.session.get_one(Track, (scope.organisation.id, wanted.track_id))
    sold = [each.name for each in formats_of(track, sold_formats(scope))]
    states = select(Rendition.state).where(Rendition.track_id == track.id, Rendition.format.in_(sold))
    if all(state == READY for state in scope.session.scalars(states)):
        defer(scope, ANNOUNCE_JOB, track_id=str(wanted.track_id))


def announce(scope: TenantScope, track_id: str) -> None:
    """Call the hook `on_track_ready`. If an implementation raises, the worker calls all of them again."""
    track = scope.session.get(Track, (scope.organisation.id, UUID(track_id)))
    if track is not None:
        names = tuple(each.name for each in formats_of(track, sold_formats(scope)))
        scope.hooks.call("on_track_ready", TrackReady(scope, track.id, track.product_id, names))
