"""Tells the log and the listeners what has changed in service."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from autonomy_core.tenancy.domain import Problem
from autonomy_core.tenancy.loader import SUFFIX
from autonomy_core.tenancy.settling import Settled

log = structlog.get_logger(__name__)

Listener = Callable[[str], None]


class Listeners:
    """Functions that are called with the id of each organisation that was added, changed or removed."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()

    def add(self, listener: Listener) -> Callable[[], None]:
        """Add a listener. Returns a function that removes it."""
        self._listeners = (*self._listeners, listener)

        def remove() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return remove

    def tell(self, organisation_id: str, *, in_service: bool) -> None:
        """Log that an organisation was changed, and call every listener."""
        log.info("tenant_changed", organisation=organisation_id, in_service=in_service)
        for listener in self._listeners:
            try:
                listener(organisation_id)
            except Exception as error:  # noqa: BLE001 - one listener's failure must not keep the news from the others
                name = type(error).__name__
                log.error("tenant_listener_failed", organisation=organisation_id, error=name)  # noqa: TRY400


def changed(before: Settled, after: Settled) -> list[str]:
    """Return the ids of the organisations that are served otherwise than before, sorted."""
    then, now = before.versions, after.versions
    ids = {name for name in then.keys() | now.keys() if then.get(name) is not now.get(name)}
    refused = before.refused.keys() | after.refused.keys()
    return sorted(ids | {name for name in refused if before.refused.get(name) != after.refused.get(name)})


def log_problems(told: Sequence[Problem], problems: Sequence[Problem], settled: Settled) -> None:
    """Log the problems that were not told yet."""
    known = set(told)
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


def _is_served(settled: Settled, problem: Problem) -> bool:
    """Whether an older version is served because of a problem."""
    if problem.file.suffix != SUFFIX:
        # Of the directory as a whole: it concerns the organisations whose files are gone.
        return bool(settled.missing)
    version = settled.versions.get(problem.file.stem)
    return version is not None and version.content is not None and problem.code != "duplicate_host"
