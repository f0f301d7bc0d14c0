"""The job `images.collect`: removes images that nothing has, and files that no image refers to."""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import delete, select, update

from autonomy_core.db.base import utcnow
from autonomy_core.files.collecting import delete_unreferenced, stored_keys
from autonomy_core.images.models import IS_USED, ImageRendition, StoredImage, UnreferencedImageFile
from autonomy_core.images.settings import IMAGES, collect_after
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.scope import TenantScope

log = structlog.get_logger(__name__)

EVERY_S: Final = 6 * 3600
_BATCH_ROWS: Final = 500


def collect(scope: TenantScope) -> None:
    """Look at one organisation's images and files, and remove those that are due.

    An image goes when nothing had it for the operator's number of days, so that pages that were rendered
    before can load it. Its files go as many days later, if no other image has them.
    """
    stored = stored_keys(scope, IMAGES)
    _remove_unused(scope)
    delete_unreferenced(scope, IMAGES, UnreferencedImageFile, stored, after=collect_after(scope))


def _remove_unused(scope: TenantScope) -> None:
    now = utcnow()
    marked = update(StoredImage).execution_options(synchronize_session=False)
    scope.session.execute(
        marked.where(StoredImage.unused_since.is_not(None), IS_USED).values(unused_since=None)
    )
    scope.session.execute(marked.where(StoredImage.unused_since.is_(None), ~IS_USED).values(unused_since=now))
    due = (
        select(StoredImage.digest)
        .where(StoredImage.unused_since < now - collect_after(scope))
        .order_by(StoredImage.digest)
        .limit(_BATCH_ROWS)
        # An upload of the same image holds the lock, and clears `unused_since`.
        .with_for_update(skip_locked=True)
    )
    digests = scope.session.scalars(due).all()
    # With the rows locked, no use can begin. One may have begun since the rows were marked.
    again = select(StoredImage.digest).where(StoredImage.digest.in_(digests), ~IS_USED)
    unused = scope.session.scalars(again).all()
    for table in (ImageRendition, StoredImage):
        statement = delete(table).where(table.digest.in_(unused))
        scope.session.execute(statement.execution_options(synchronize_session=False))
    for digest in unused:
        log.info("images.removed", digest=digest)


JOBS = (Job("images.collect", collect, every=EVERY_S),)
