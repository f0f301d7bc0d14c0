"""Removes stored files that no row refers to.

A file is removed after it had no reference for as long as the operator says, and was seen without one at
visits in between. The marks of a database that was restored from a backup, or that had no worker for days,
are too old to count: the delay of their files begins again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import delete, select

from autonomy_core.db.base import utcnow
from autonomy_core.files.area import FileArea
from autonomy_core.files.marks import UnreferencedFileMark
from autonomy_core.files.references import ask_references
from autonomy_core.files.services import lock_file, storage_of
from autonomy_core.kernel.scope import TenantScope

log = structlog.get_logger(__name__)

_LONGEST_GAP: Final = timedelta(days=2)
_BATCH_ROWS: Final = 500


def stored_keys(scope: TenantScope, area: FileArea) -> set[str] | None:
    """List the organisation's files, for `delete_unreferenced`.

    Call it before the transaction begins, that is before the first use of ``scope.session``: PostgreSQL ends
    a transaction that is idle for as long as a slow storage may take.

    Returns:
        The keys; None if the storage cannot list them, which is logged.
    """
    try:
        keys = storage_of(scope, area).keys(scope.organisation.id)
        return {key for key in keys if key.endswith(area.suffix)}
    except OSError:
        log.exception(area.event("files_not_listed"))
        return None


def delete_unreferenced(
    scope: TenantScope,
    area: FileArea,
    marks: type[UnreferencedFileMark],
    stored: set[str] | None,
    *,
    after: timedelta,
) -> None:
    """Mark the organisation's files that no row refers to, and remove those that are due. For a periodic job.

    An upload of the same bytes may run at the same time: see `keep_upload`.

    Args:
        area: its ``referred_to`` says which files rows refer to.
        marks: the plugin's table of marks of this area.
        stored: what `stored_keys` returned; with None nothing happens.
        after: for how long a file stays that no row refers to; longer than backups are kept.

    Raises:
        ValueError: the area has no ``referred_to``, or the marks are of another area.
    """
    _require_own(area, marks)
    if stored is None:
        return
    now = utcnow()
    scope.session.flush()
    referred = ask_references(scope, area, "key").scalars()
    for key in _due(scope, marks, stored.difference(referred), now, after):
        _delete(scope, area, marks, key)


def _require_own(area: FileArea, marks: type[UnreferencedFileMark]) -> None:
    its_area = getattr(marks, "area", None)
    if its_area != area.name:
        raise ValueError(
            f"{area.plugin}: {marks.__name__} has the marks of the files {its_area!r}, and not of "
            f"{area.name!r}; make a table for each area, with area = {area.name!r}"
        )


def _due(
    scope: TenantScope,
    marks: type[UnreferencedFileMark],
    unreferenced: set[str],
    now: datetime,
    after: timedelta,
) -> list[str]:
    """Mark the files that have no reference now, and give the keys of those that are due."""
    known = {mark.storage_key: mark for mark in scope.session.scalars(select(marks))}
    for key in known.keys() - unreferenced:
        scope.session.delete(known[key])
    for key in unreferenced:
        if key in known:
            _see_again(known[key], now)
        else:
            organisation_id = scope.organisation.id
            scope.session.add(marks(organisation_id=organisation_id, storage_key=key, since=now, seen_at=now))
    scope.session.flush()
    due = select(marks.storage_key).where(marks.since < now - after)
    # Uploads of several files lock them in the order of their keys as well, so that there is no deadlock.
    return sorted(scope.session.scalars(due.order_by(marks.since).limit(_BATCH_ROWS)))


def _see_again(mark: UnreferencedFileMark, now: datetime) -> None:
    if now - mark.seen_at > _LONGEST_GAP:
        mark.since = now
    mark.seen_at = now


def _delete(scope: TenantScope, area: FileArea, marks: type[UnreferencedFileMark], key: str) -> None:
    """Remove a file unless an upload has written a row for it in the meantime."""
    lock_file(scope, area, key)
    if ask_references(scope, area, "key", "key = :key", key=key).first():
        return
    try:
        storage_of(scope, area).delete(key)
    except OSError:
        log.exception(area.event("file_not_deleted"), key=key)
        return
    scope.session.execute(delete(marks).where(marks.storage_key == key))
    log.info(area.event("file_deleted"), key=key)
