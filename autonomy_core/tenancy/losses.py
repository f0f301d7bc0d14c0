"""Decides whether organisations whose files are gone leave the service, or whether an operator must confirm it.

One file that an admin deletes ends one organisation's service. Many files that are gone at once are more likely a
share that is not mounted, or a copy that failed, and must not end the service of every shop on the server.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from autonomy_core.tenancy.domain import Problem

LOSS_WINDOW_S = 600
"""Losses within this time count together: to delete thousands of files takes minutes on some file systems."""

DEFAULT_PERCENT = 50

SHOWN = 5


def needs_confirmation(lost: int, remaining: int, percent: int) -> bool:
    """Whether so many losses take effect only when an operator has accepted them.

    Args:
        lost: how many organisations have lost their files within `LOSS_WINDOW_S`.
        remaining: how many still have theirs.
        percent: the share of all of them that may be lost at once; one may always, unless it is the last.
    """
    return lost > 0 and (remaining == 0 or lost > max(1, (lost + remaining) * percent // 100))


def losses_problem(directory: Path, missing: Collection[str], known: int) -> Problem:
    """Return the problem of organisations that are served although their files are gone."""
    names = ", ".join(sorted(missing)[:SHOWN]) + (", …" if len(missing) > SHOWN else "")
    return Problem(
        directory,
        1,
        "organisations_missing",
        f"the files of {len(missing)} of {known} organisations are gone, and these are still served: {names}",
        "bring the files back; if they were removed on purpose, run: autonomy tenants accept",
    )
