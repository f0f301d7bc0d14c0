"""The job `media_mp3.collect`: deletes removed tracks without a purchase, and files without a track."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import delete, select, true

from autonomy_core.plugin_api.files import delete_unreferenced, stored_keys
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import first_bought_at
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.archives.checksums import forget_checksums
from media_mp3.editing import lock_product
from media_mp3.models import Track, UnreferencedAudio, UnreferencedFile
from media_mp3.renditions.models import UnreferencedRendition
from media_mp3.settings import AUDIO, RECORDINGS, RENDITIONS, collect_after

log = structlog.get_logger(__name__)

EVERY_S: Final = 6 * 3600
_AREAS: Final = (
    (RECORDINGS, UnreferencedFile),
    (AUDIO, UnreferencedAudio),
    (RENDITIONS, UnreferencedRendition),
)


def collect(scope: TenantScope) -> None:
    """Look at one organisation's tracks and files, and remove those that are due."""
    stored = {area.name: stored_keys(scope, area) for area, _ in _AREAS}
    after = collect_after(scope)
    _forget_removed_tracks(scope, utcnow() - after)
    for area, marks in _AREAS:
        delete_unreferenced(scope, area, marks, stored[area.name], after=after)
    forget_checksums(scope)


def _forget_removed_tracks(scope: TenantScope, before: datetime) -> None:
    """Delete the rows of tracks that were removed before a moment, and that no purchase is about."""
    due = select(Track.product_id).where(Track.removed_at < before).distinct()
    for product_id in scope.session.scalars(due.order_by(Track.product_id)).all():
        lock_product(scope, product_id)  # against a concurrent change that restores a track
        bought = first_bought_at(scope, product_id)
        unbought = true() if bought is None else Track.removed_at < bought
        forgotten = delete(Track).where(Track.product_id == product_id, Track.removed_at < before, unbought)
        for track_id in scope.session.scalars(forgotten.returning(Track.id)):
            log.info("media_mp3.track_forgotten", track=str(track_id))
