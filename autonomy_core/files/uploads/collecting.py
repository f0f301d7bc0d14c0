"""The job `uploads.collect`: removes uploads that have expired, and files that no part refers to."""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import delete, or_

from autonomy_core.db.base import utcnow
from autonomy_core.files.collecting import delete_unreferenced, stored_keys
from autonomy_core.files.models import PendingUpload, UnreferencedUploadPart
from autonomy_core.files.settings import PARTS, lifetime
from autonomy_core.files.uploads.direct import remove_expired
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.scope import TenantScope

log = structlog.get_logger(__name__)

EVERY_S: Final = 3600


def collect(scope: TenantScope) -> None:
    """Look at one organisation's uploads and their files.

    The files stay for as long as an upload may wait. A restored backup that refers to them has expired then.
    """
    stored = stored_keys(scope, PARTS)
    removable = or_(~PendingUpload.direct, PendingUpload.id.in_(remove_expired(scope)))
    due = delete(PendingUpload).where(PendingUpload.expires_at <= utcnow(), removable)
    expired = due.returning(PendingUpload.id)
    for upload_id in scope.session.scalars(expired.execution_options(synchronize_session=False)):
        log.info("uploads.expired", upload=str(upload_id))
    delete_unreferenced(scope, PARTS, UnreferencedUploadPart, stored, after=lifetime(scope))


JOBS = (Job("uploads.collect", collect, every=EVERY_S),)
