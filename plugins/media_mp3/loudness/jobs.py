"""Measures what is missing, as a part of the job that makes renditions: their tags have the gain."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

import structlog

from autonomy_core.plugin_api.files import FairTurns, TurnsBusy
from autonomy_core.plugin_api.media import find_ffmpeg
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.loudness import services
from media_mp3.loudness.measuring import measure
from media_mp3.loudness.services import Unmeasured
from media_mp3.renditions.domain import PassingFailures
from media_mp3.renditions.making import DEMUXERS, NotMade, fetch_master, workplace

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Left:
    """What a run has not measured.

    Attributes:
        products: whose files wait for a later run, since the gain is in their tags.
        can_go_on: whether the next run can begin soon. False if reading any master would fail now.
    """

    products: frozenset[UUID] = frozenset()
    can_go_on: bool = False


def measure_missing(scope: TenantScope, turns: FairTurns, deadline: float) -> Left:
    """Measure the masters of one organisation that were not measured, until a moment.

    Args:
        scope: in no transaction.
        turns: to run ffmpeg.
        deadline: by `time.monotonic`.
    """
    if find_ffmpeg() is None:
        return Left()
    with scope.begin() as own:
        missing = services.unmeasured(own)
    left = Left()
    failures = PassingFailures()
    for at, each in enumerate(missing):
        try:
            failures.note(each.track_id, _measure_in_turn(scope, turns, deadline, each))
        except TurnsBusy:
            left = Left(frozenset(one.product_id for one in missing[at:]), can_go_on=True)
            break
        if failures.are_of_all_tracks:
            # A master that was tried before may be lost for good. Files of its product do not wait for it.
            left = Left(frozenset(one.product_id for one in missing[at + 1 :] if one.is_untried))
            break
    with scope.begin() as own:
        services.settle_albums(own)
    return left


def _measure_in_turn(scope: TenantScope, turns: FairTurns, deadline: float, wanted: Unmeasured) -> str | None:
    if time.monotonic() > deadline:
        raise TurnsBusy
    with turns.turn(scope.organisation.id, deadline - time.monotonic()):
        return _measure_one(scope, wanted)


def _measure_one(scope: TenantScope, wanted: Unmeasured) -> str | None:
    """Measure one master. Return the code of the failure; None without one."""
    with scope.begin() as own:
        if not services.begin(own, wanted):
            return None
    began = time.monotonic()
    try:
        with workplace(scope, wanted.track_id, "loudness") as directory:
            master = directory / "master"
            fetch_master(scope, wanted.storage_key, wanted.format, wanted.size, master)
            measured = measure(master, DEMUXERS[wanted.format])
    except NotMade as error:
        with scope.begin() as own:
            services.fail(own, wanted, error.code)
        return error.code
    with scope.begin() as own:
        services.finish(own, wanted, measured)
    seconds = round(time.monotonic() - began, 1)
    log.info(
        "media_mp3.loudness_measured",
        track=str(wanted.track_id),
        lufs=measured.integrated_lufs,
        seconds=seconds,
    )
    return None
