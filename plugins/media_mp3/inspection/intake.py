"""Inspects a received file, when the organisation's turn comes. No database connection is held meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import structlog

from autonomy_core.plugin_api.files import FairTurns, TurnsBusy, Upload
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3 import errors
from media_mp3.domain import TrackReport, describe
from media_mp3.inspection import reports
from media_mp3.settings import PLUGIN

log = structlog.get_logger(__name__)

WAIT_S = 30
"""How long an upload waits for its turn to be inspected, in seconds."""
PLACES = 16
"""How many uploads of all organisations may wait for their turn. Each occupies a thread of a process."""


def accepted(scope: TenantScope, upload: Upload) -> TrackReport:
    """Inspect an upload.

    Raises:
        NotPlayable: with every finding.
        InspectionBusy: too many uploads wait already.
    """
    with inspection_turn(scope):
        report = reports.inspect(upload.path)
    if not report.accepted:
        findings = [describe(finding) for finding in report.findings]
        log.info("media_mp3.refused", codes=[finding["code"] for finding in findings], size=upload.size)
        raise errors.NotPlayable(
            "Every reason is in findings, with what to do about it.", extra={"findings": findings}
        )
    return report


@contextmanager
def inspection_turn(scope: TenantScope) -> Iterator[None]:
    """Take one of the process's turns to inspect, which the organisations share.

    Raises:
        InspectionBusy: no turn came within `WAIT_S` seconds, or too many uploads of the organisation wait.
    """
    turns = _turns(scope.server_settings(PLUGIN)["inspections_at_once"])
    try:
        with turns.turn(scope.organisation.id, WAIT_S):
            yield
    except TurnsBusy as error:
        raise errors.InspectionBusy(
            "Upload the file again in a while.", extra={"retry_after": WAIT_S}
        ) from error


@lru_cache(maxsize=8)
def _turns(concurrent: int) -> FairTurns:
    return FairTurns(concurrent, PLACES)
