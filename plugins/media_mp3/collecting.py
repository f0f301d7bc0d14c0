"""Removes what nothing refers to any more: tracks that were removed before anybody bought them, and stored files.

A file goes only when it has been seen without a track for as long as the operator says, at each visit in between: what a
database says that was restored from a backup, or that had no worker for days, counts from the next visit on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import delete, exists, select, true

from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import first_bought_at
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.editing import lock_product
from media_mp3.models import Track, UnreferencedFile
from media_mp3.services import lock_file
from media_mp3.settings import collect_after, storage_of
from media_mp3.storage import FAILURES

log = structlog.get_logger(__name__)

EVERY_S: Final = 6 * 3600
_LONGEST_GAP: Final = timedelta(days=2)
_MOST_AT_ONCE: Final = 500


def collect(scope: TenantScope) -> None:
    """The job `media_mp3.collect`: look at one organisation's tracks and files, and remove what is due."""
    # Before the transaction begins: PostgreSQL ends one that does nothing for as long as a store may take.
    stored = _stored(scope)
    now = utcnow()
    _forget_removed_tracks(scope, now - collect_after(scope))
    if stored is not None:
        for key in _due(scope, stored, now):
            _delete(scope, key)


def _stored(scope: TenantScope) -> set[str] | None:
    """The keys of all files of the organisation; None where the store does not say."""
    try:
        return set(storage_of(scope).keys(scope.organisation.id))
    except FAILURES:
        log.exception("media_mp3.files_not_listed")
        return None


def _forget_removed_tracks(scope: TenantScope, before: datetime) -> None:
    """Delete the rows of tracks that were removed before a moment, and that no purchase is about."""
    due = select(Track.product_id).where(Track.removed_at < before).distinct()
    for product_id in scope.session.scalars(due.order_by(Track.product_id)).all():
        lock_product(scope, product_id)  # against staff who bring a track back
        bought = first_bought_at(scope, product_id)
        unbought = true() if bought is None else Track.removed_at < bought
        forgotten = delete(Track).where(Track.product_id == product_id, Track.removed_at < before, unbought)
        for track_id in scope.session.scalars(forgotten.returning(Track.id)):
            log.info("media_mp3.track_forgotten", track=str(track_id))


def _due(scope: TenantScope, stored: set[str], now: datetime) -> list[str]:
    """Note which files have no track now, and give those that have had none for long enough."""
    lonely = stored - set(scope.session.scalars(select(Track.storage_key)))
    known = {mark.storage_key: mark for mark in scope.session.scalars(select(UnreferencedFile))}
    for key in known.keys() - lonely:
        scope.session.delete(known[key])
    for key in lonely:
        _mark(scope, known.get(key), key, now)
    scope.session.flush()
    due = select(UnreferencedFile.storage_key).where(UnreferencedFile.since < now - collect_after(scope))
    return list(scope.session.scalars(due.order_by(UnreferencedFile.since).limit(_MOST_AT_ONCE)))


def _mark(scope: TenantScope, mark: UnreferencedFile | None, key: str, now: datetime) -> None:
    if mark is None:
        new = UnreferencedFile(organisation_id=scope.organisation.id, storage_key=key, since=now, seen_at=now)
        scope.session.add(new)
        return
    if now - mark.seen_at > _LONGEST_GAP:
        mark.since = now
    mark.seen_at = now


def _delete(scope: TenantScope, key: str) -> None:
    """Delete a file unless an upload has made a track of it meanwhile. An upload of the same bytes waits, and writes it anew."""
    lock_file(scope, key)
    if scope.session.scalar(select(exists().where(Track.storage_key == key))):
        return
    try:
        storage_of(scope).delete(key)
    except FAILURES:
        log.exception("media_mp3.file_not_deleted", key=key)
        return
    scope.session.execute(delete(UnreferencedFile).where(UnreferencedFile.storage_key == key))
    log.info("media_mp3.file_deleted", key=key)
