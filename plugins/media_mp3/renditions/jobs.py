"""The jobs: `render` makes what is missing, `announce` calls the hook `on_track_ready`."""

from __future__ import annotations

import time
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
from media_mp3.models import Track
from media_mp3.renditions import making
from media_mp3.renditions.domain import FAILED, MOST_ATTEMPTS, PASSING, READY, RUNNING, WAITING
from media_mp3.renditions.models import Rendition
from media_mp3.renditions.planning import Wish, formats_of, plan, reconsider, sold_formats, wishes
from media_mp3.renditions.services import ANNOUNCE_JOB, PAUSE_S, RENDER_JOB
from media_mp3.settings import PLUGIN, RENDITIONS

log = structlog.get_logger(__name__)

EVERY_S: Final = 300
"""How often the job compares all files with what they have to be, in seconds.

A change of a product or of a cover defers no job.
"""
BUDGET_S: Final = 60.0
"""After so many seconds the job begins no further rendition, and lets other jobs run."""


def render(scope: TenantScope) -> None:
    """Make what is missing of one organisation, for `BUDGET_S` seconds. No other run does the same meanwhile.

    Args:
        scope: its transaction begins at the end. So no connection is held while ffmpeg runs.
    """
    with scope.begin() as own:
        missing = plan(own)
    deadline = time.monotonic() + BUDGET_S
    turns = _turns(scope.server_settings(PLUGIN)["encodings_at_once"])
    for wish in missing:
        try:
            with turns.turn(scope.organisation.id, deadline - time.monotonic()):
                _render_one(scope, wish)
        except TurnsBusy:
            break
        if time.monotonic() > deadline:
            break
    else:
        return
    defer_again(scope, RENDER_JOB, in_seconds=PAUSE_S)


@lru_cache(maxsize=8)
def _turns(at_once: int) -> FairTurns:
    """The turns to run ffmpeg in this process. As many jobs may wait for one; each occupies a thread."""
    return FairTurns(at_once, at_once)


def _render_one(scope: TenantScope, wish: Wish) -> None:
    with scope.begin() as own:
        row = _row(own, wish)
        if row is None or row.state != WAITING or row.wanted != wish.fingerprint:
            return
        row.attempts += 1
        row.become(RUNNING)
    began = time.monotonic()
    try:
        with making.made(scope, wish) as file:
            store_upload(scope, RENDITIONS, file)
            with scope.begin() as own:
                if _is_wanted(own, wish, file_key := key_of(own, RENDITIONS, file.sha256)):
                    row = _row(own, wish)
                    assert row is not None  # noqa: S101 - for the type checker
                    row.made, row.storage_key = wish.fingerprint, file_key
                    row.size, row.sha256, row.stored_at = file.size, file.sha256, utcnow()
                    row.become(READY)
                    own.session.flush()
                    keep_upload(own, RENDITIONS, file)
                    _announce_if_complete(own, wish)
    except making.NotMade as error:
        with scope.begin() as own:
            _fail(own, wish, error.code)
        return
    log.info(
        "media_mp3.rendition_made",
        track=str(wish.track_id),
        format=wish.format.name,
        size=file.size,
        seconds=round(time.monotonic() - began, 1),
    )


def _row(scope: TenantScope, wish: Wish) -> Rendition | None:
    """The rendition, locked; None if the track was deleted, or the format is not sold any more."""
    key = (scope.organisation.id, wish.track_id, wish.format.name)
    return scope.session.get(Rendition, key, with_for_update=True, populate_existing=True)


def _is_wanted(scope: TenantScope, wish: Wish, key: str) -> bool:
    """Whether the file is still what the rendition has to be. If not, the next run makes it anew."""
    row = _row(scope, wish)
    if row is None:
        return False
    now = next(
        (
            each
            for each in wishes(scope, [wish.product_id])
            if (each.track_id, each.format.name) == (wish.track_id, wish.format.name)
        ),
        None,
    )
    if now is not None and now.fingerprint == wish.fingerprint:
        return True
    log.info("media_mp3.rendition_outdated", track=str(wish.track_id), format=wish.format.name, key=key)
    row.become(WAITING)
    if now is not None:
        reconsider(row, now.fingerprint)
    return False


def _fail(scope: TenantScope, wish: Wish, code: str) -> None:
    row = _row(scope, wish)
    if row is None or row.state != RUNNING:
        return
    if code in PASSING:
        row.attempts = 0
    is_final = code in PASSING or row.attempts >= MOST_ATTEMPTS or code == "encoding_limit"
    row.become(FAILED if is_final else WAITING, code)


def _announce_if_complete(scope: TenantScope, wish: Wish) -> None:
    states = select(Rendition.state).where(Rendition.track_id == wish.track_id)
    if all(state == READY for state in scope.session.scalars(states)):
        defer(scope, ANNOUNCE_JOB, track_id=str(wish.track_id))


def announce(scope: TenantScope, track_id: str) -> None:
    """Call the hook `on_track_ready`. If an implementation raises, the worker calls all of them again."""
    track = scope.session.get(Track, (scope.organisation.id, UUID(track_id)))
    if track is not None:
        names = tuple(each.name for each in formats_of(track, sold_formats(scope)))
        scope.hooks.call("on_track_ready", TrackReady(scope, track.id, track.product_id, names))
