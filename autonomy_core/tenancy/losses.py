"""Decides whether organisations without files leave the service, or whether an operator must confirm that.

If an admin deletes one file, that organisation leaves the service. If many files disappear at once, the cause
is probably an unmounted share or a failed copy. That must not take all shops of the server out of service.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from autonomy_core.tenancy.domain import Problem

LOSS_WINDOW_S = 600
"""Losses within this time are counted together, in seconds: deleting thousands of files may take minutes."""

DEFAULT_PERCENT = 50

SHOWN = 5


def needs_confirmation(lost: int, remaining: int, percent: int) -> bool:
    """Whether losses take effect only after an operator has accepted them.

    Args:
        lost: the number of organisations that lost their files within `LOSS_WINDOW_S`.
        remaining: the number of organisations with files.
        percent: the share of organisations that may be lost at once. One always may, except the last.
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
