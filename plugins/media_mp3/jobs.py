"""The job `media_mp3.collect`: deletes removed tracks and extras without a purchase, and unneeded files."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete, select, true

from autonomy_core.plugin_api.files import delete_unreferenced, stored_keys
from autonomy_core.plugin_api.images import forget_images
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import first_bought_at
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.archives.checksums import forget_checksums
from media_mp3.editing import lock_product
from media_mp3.extras.models import Extra, UnreferencedExtra
from media_mp3.models import Track, UnreferencedAudio, UnreferencedFile
from media_mp3.renditions.models import UnreferencedRendition
from media_mp3.settings import AUDIO, EXTRAS, RECORDINGS, RENDITIONS, TRACK_IMAGE, collect_after

log = structlog.get_logger(__name__)

EVERY_S: Final = 6 * 3600
_AREAS: Final = (
    (RECORDINGS, UnreferencedFile),
    (AUDIO, UnreferencedAudio),
    (RENDITIONS, UnreferencedRendition),
    (EXTRAS, UnreferencedExtra),
)


def collect(scope: TenantScope) -> None:
    """Look at one organisation's tracks and files, and remove those that are due."""
    stored = {area.name: stored_keys(scope, area) for area, _ in _AREAS}
    after = collect_after(scope)
    before = utcnow() - after
    track_ids = _forget_removed(scope, Track, before)
    forget_images(scope, TRACK_IMAGE, track_ids)
    for track_id in track_ids:
        log.info("media_mp3.track_forgotten", track=str(track_id))
    for extra_id in _forget_removed(scope, Extra, before):
        log.info("media_mp3.extra_forgotten", extra=str(extra_id))
    for area, marks in _AREAS:
        delete_unreferenced(scope, area, marks, stored[area.name], after=after)
    forget_checksums(scope)


def _forget_removed(scope: TenantScope, table: type[Track | Extra], before: datetime) -> list[UUID]:
    """Delete the rows of things that were removed before a moment, and that no purchase is about.

    Returns:
        Their ids.
    """
    forgotten: list[UUID] = []
    due = select(table.product_id).where(table.removed_at < before).distinct()
    for product_id in scope.session.scalars(due.order_by(table.product_id)).all():
        lock_product(scope, product_id)  # against a concurrent change that restores it
        bought = first_bought_at(scope, product_id)
        unbought = true() if bought is None else table.removed_at < bought
        rows = delete(table).where(table.product_id == product_id, table.removed_at < before, unbought)
        if table is Track:
            rows = rows.where(Track.id.not_in(_bought_alone(scope, product_id)))
        forgotten += scope.session.scalars(rows.returning(table.id))
    return forgotten


def _bought_alone(scope: TenantScope, product_id: UUID) -> list[UUID]:
    """The tracks of a product that were sold alone."""
    offered = select(Track.id, Track.single_id).where(
        Track.product_id == product_id, Track.removed_at.is_not(None), Track.single_id.is_not(None)
    )
    return [
        track_id
        for track_id, single_id in scope.session.execute(offered)
        if single_id is not None and first_bought_at(scope, single_id) is not None
    ]
