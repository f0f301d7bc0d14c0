"""How much an organisation stores, and whether there is room for more."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update

from autonomy_core.db.base import utcnow
from autonomy_core.files.errors import StorageFull
from autonomy_core.files.models import PendingUpload
from autonomy_core.files.references import ask_references
from autonomy_core.files.settings import PARTS, max_stored_bytes
from autonomy_core.files.upload import Upload
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope


@dataclass(frozen=True, slots=True)
class AreaUsage:
    """What the files of one area take.

    Attributes:
        files: the plugin and the area, as ``media_mp3/recordings``.
        count: how many files rows refer to.
        bytes: of these together.
    """

    files: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What an organisation stores.

    Attributes:
        areas: the files that are in use, by area.
        uploads: how many uploads are not used yet.
        upload_bytes: the announced sizes of these together. They are reserved from the beginning.
        limit: how much the organisation may store, in bytes; None without a limit.
    """

    areas: list[AreaUsage]
    uploads: int
    upload_bytes: int
    limit: int | None

    @property
    def bytes(self) -> int:
        """What counts towards the limit, in bytes."""
        return self.upload_bytes + sum(area.bytes for area in self.areas)


def usage(scope: TenantScope) -> Usage:
    """Add up the files of an organisation.

    A file counts as long as a row refers to it, once in its area. The sizes are those in the rows, so an area
    whose query has no sizes counts as empty.
    """
    # The questions about areas are plain SQL, for which the session writes nothing by itself.
    scope.session.flush()
    uploads, reserved = scope.session.execute(
        select(func.count(), func.coalesce(func.sum(PendingUpload.length), 0)).where(
            PendingUpload.expires_at > utcnow()
        )
    ).one()
    return Usage(_areas(scope), int(uploads), int(reserved), max_stored_bytes(scope))


def _areas(scope: TenantScope) -> list[AreaUsage]:
    found = []
    for plugin, area in runtime_of(scope).stored_files:
        if area == PARTS or area.referred_to is None:
            continue
        count, size = ask_references(scope, area, "count(*), COALESCE(sum(size), 0)").one()
        found.append(AreaUsage(f"{plugin}/{area.name}", count, int(size)))
    return found


def require_room(scope: TenantScope, wanted: int) -> None:
    """Make sure that the organisation may store more. Others wait until the transaction has ended.

    Args:
        wanted: how much more, in bytes, than the rows of this transaction say.

    Raises:
        StorageFull: it is more than the organisation's limit.
    """
    limit = max_stored_bytes(scope)
    if limit is None:
        return
    name = f"files.room {scope.organisation.id}"
    scope.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    found = usage(scope)
    if found.bytes + wanted > limit:
        raise StorageFull(
            "Remove files or uploads that are not needed, or ask the operator for more storage.",
            extra={"limit_bytes": limit, "used_bytes": found.bytes},
        )


def use_room(scope: TenantScope, upload: Upload) -> None:
    """Make sure that there is room for a received file, after the rows of what is made of it are written.

    If it arrived as an upload, that ends in the same transaction, so its size does not count twice. If the
    upload was removed meanwhile, others may have reserved its room.

    Raises:
        StorageFull: see `require_room`.
    """
    if upload.upload_id is not None:
        expire(scope, upload.upload_id)
    if upload.is_limited:
        require_room(scope, 0)


def expire(scope: TenantScope, upload_id: UUID) -> None:
    """Let an upload expire now. It takes no room any more, and no call finds it."""
    now = update(PendingUpload).where(PendingUpload.id == upload_id).values(expires_at=utcnow())
    scope.session.execute(now.execution_options(synchronize_session=False))


def require_room_outside(scope: TenantScope, wanted: int) -> None:
    """Make sure, before a body arrives, that there would be room for it.

    Args:
        scope: in no transaction.
        wanted: at least how much arrives, in bytes; nothing is checked if that is not known.

    Raises:
        StorageFull: see `require_room`.
    """
    if wanted > 0 and max_stored_bytes(scope) is not None:
        with scope.begin() as own:
            require_room(own, wanted)
