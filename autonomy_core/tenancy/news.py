"""Logs changes of the organisations in service."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from autonomy_core.tenancy.domain import Problem
from autonomy_core.tenancy.settling import ServedVersions

log = structlog.get_logger(__name__)


def changed(before: ServedVersions, after: ServedVersions) -> list[str]:
    """Return the sorted ids of the organisations whose service differs."""
    then, now = before.versions, after.versions
    same = {name for name, version in now.items() if version.serves_as(then.get(name))}
    ids = (then.keys() | now.keys()) - same
    refused = before.refused.keys() | after.refused.keys()
    return sorted(ids | {name for name in refused if before.refused.get(name) != after.refused.get(name)})


def log_changes(ids: Sequence[str], settled: ServedVersions) -> None:
    """Log the organisations whose service differs.

    Args:
        settled: what is in service now.
    """
    for organisation_id in ids:
        log.info(
            "tenant_changed", organisation=organisation_id, in_service=organisation_id in settled.versions
        )


def log_problems(logged: Sequence[Problem], problems: Sequence[Problem], settled: ServedVersions) -> None:
    """Log new problems.

    Args:
        logged: problems that were logged before.
        problems: the current problems.
        settled: what is in service now.
    """
    known = set(logged)
    for problem in problems:
        if problem not in known:
            log.warning(
                "tenant_problem",
                file=f"{problem.file}:{problem.line}",
                code=problem.code,
                message=problem.message,
                remedy=problem.remedy,
                still_serving_last_good=_is_served(settled, problem),
            )


def _is_served(settled: ServedVersions, problem: Problem) -> bool:
    """Whether an older version of the organisation stays in service despite the problem."""
    if problem.organisation_id is None:
        # The problem concerns the directory, so it affects organisations whose files are gone.
        return bool(settled.missing)
    version = settled.versions.get(problem.organisation_id)
    return version is not None and version.content is not None and problem.code != "duplicate_host"
