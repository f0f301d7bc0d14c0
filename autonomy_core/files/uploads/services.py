"""Use cases of uploads: begin, continue, join and remove them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update

from autonomy_core.audit.services import change, record
from autonomy_core.db.base import utcnow
from autonomy_core.errors import NotFound
from autonomy_core.files.errors import UploadTooLarge, UploadUnfinished
from autonomy_core.files.models import PendingUpload, UploadPart
from autonomy_core.files.room import expire, require_room
from autonomy_core.files.services import keep_upload, key_of, store_upload
from autonomy_core.files.settings import PARTS, lifetime, max_upload_bytes
from autonomy_core.files.upload import Upload
from autonomy_core.files.uploads.domain import MOST_PARTS, PARTIAL, NewUpload
from autonomy_core.files.uploads.errors import UploadInTooManyParts, UploadIsFinal, UploadOffsetWrong
from autonomy_core.kernel.scope import TenantScope


def waiting_uploads() -> Select[PendingUpload]:
    """Select the uploads that have not expired, which take room until something uses them."""
    return select(PendingUpload).where(PendingUpload.expires_at > utcnow())


def find_upload(scope: TenantScope, upload_id: UUID) -> PendingUpload | None:
    """An upload of this organisation that has not expired, or None."""
    found = scope.session.get(PendingUpload, (scope.organisation.id, upload_id))
    return None if found is None or found.expires_at <= utcnow() else found


def require_upload(scope: TenantScope, upload_id: UUID) -> PendingUpload:
    """An upload of this organisation as it is now, with its row locked.

    Raises:
        NotFound: it does not exist, or has expired.
    """
    found = _locked(scope, upload_id)
    if found is None:
        raise NotFound
    return found


def begin_upload(scope: TenantScope, new: NewUpload, *, actor: str, direct: bool = False) -> PendingUpload:
    """Reserve the room for an upload.

    Args:
        new: what the client announced.
        direct: whether the client sends it directly to the store.

    Raises:
        UploadTooLarge: it is larger than the organisation's limit.
        StorageFull: the organisation would store more than its limit, with all uploads that have begun.
    """
    assert new.length is not None  # noqa: S101 - for the type checker: joined uploads have `join_uploads`
    _require_size(scope, new.length)
    require_room(scope, new.length)
    upload = _add(scope, new, new.length, actor)
    upload.direct = direct
    return upload


def join_uploads(
    scope: TenantScope, new: NewUpload, upload_ids: Sequence[UUID], *, actor: str
) -> PendingUpload:
    """Join finished partial uploads to one. They are gone afterwards. To join the same again does nothing.

    Args:
        new: what the client announced.
        upload_ids: of the partial uploads, in their order.

    Raises:
        NotFound: one of them does not exist.
        UploadUnfinished: one of them is not finished, or not a partial upload.
        UploadTooLarge: together they are larger than the organisation's limit.
        UploadInTooManyParts: together they have more parts than an upload may have.
    """
    # In the order of their ids, so that two requests never wait for each other.
    locked = {upload_id: _locked(scope, upload_id) for upload_id in sorted(upload_ids)}
    if any(found is None for found in locked.values()):
        return _joined_before(scope, new)
    parts = [found for upload_id in upload_ids if (found := locked[upload_id]) is not None]
    if not all(part.concatenation == PARTIAL and part.is_complete for part in parts):
        raise UploadUnfinished("Join partial uploads, after each of them is finished.")
    length = sum(part.length for part in parts)
    _require_size(scope, length)
    _require_parts(scope, upload_ids, more=0)
    joined = _add(scope, new, length, actor)
    joined.received = length
    scope.session.flush()
    begins_at = 0
    for part in parts:
        moved = update(UploadPart).where(UploadPart.upload_id == part.id)
        values = {"upload_id": joined.id, "begins_at": UploadPart.begins_at + begins_at}
        scope.session.execute(moved.values(values).execution_options(synchronize_session=False))
        begins_at += part.length
        scope.session.delete(part)
    scope.session.flush()
    return joined


def _joined_before(scope: TenantScope, new: NewUpload) -> PendingUpload:
    same = select(PendingUpload).where(
        PendingUpload.concatenation == new.concatenation, PendingUpload.expires_at > utcnow()
    )
    found = scope.session.scalars(same).first()
    if found is None:
        raise NotFound
    return found


def require_offset(upload: PendingUpload, offset: int) -> None:
    """Make sure that an upload continues at a place.

    Args:
        offset: of the first byte of the next part.

    Raises:
        UploadOffsetWrong: it continues elsewhere.
        UploadIsFinal: it was joined of others, or goes directly to the store.
    """
    if upload.direct or upload.concatenation not in {None, PARTIAL}:
        raise UploadIsFinal
    if upload.received != offset:
        raise UploadOffsetWrong(
            f"The next part begins at {upload.received}.", extra={"offset": upload.received}
        )


def append_part(scope: TenantScope, upload_id: UUID, offset: int, piece: Upload) -> PendingUpload:
    """Store a part, and add it to an upload. Of two requests with the same offset, one is refused.

    Args:
        scope: in no transaction, because the store may be slow.
        offset: of the part's first byte.
        piece: the received part. It ends within the upload.

    Raises:
        NotFound: the upload was removed or has expired.
        UploadOffsetWrong, UploadIsFinal, UploadInTooManyParts, StorageUnavailable
    """
    if piece.size:
        with scope.begin() as own:
            _require_parts(own, [upload_id], more=1)
        store_upload(scope, PARTS, piece)
    with scope.begin() as own:
        upload = require_upload(own, upload_id)
        require_offset(upload, offset)
        if piece.size:
            _add_part(own, upload, piece)
        prolong(own, upload)
        return upload


def prolong(scope: TenantScope, upload: PendingUpload) -> None:
    """Let an upload wait for its full time again."""
    upload.expires_at = _expiry(scope)


def _add_part(scope: TenantScope, upload: PendingUpload, piece: Upload) -> None:
    _require_parts(scope, [upload.id], more=1)
    part = UploadPart(
        organisation_id=scope.organisation.id,
        upload_id=upload.id,
        begins_at=upload.received,
        size=piece.size,
        storage_key=key_of(scope, PARTS, piece.sha256),
    )
    scope.session.add(part)
    upload.received += piece.size
    scope.session.flush()
    keep_upload(scope, PARTS, piece)


def _require_parts(scope: TenantScope, upload_ids: Sequence[UUID], *, more: int) -> None:
    """Make sure that uploads have, with some more parts, no more than one upload may have."""
    count = select(func.count()).select_from(UploadPart).where(UploadPart.upload_id.in_(upload_ids))
    if (scope.session.scalar(count) or 0) + more > MOST_PARTS:
        raise UploadInTooManyParts("Remove the upload, and begin again with larger parts.")


def remove_upload(scope: TenantScope, upload_id: UUID, *, actor: str) -> None:
    """Remove an upload. The job ``uploads.collect`` removes its bytes from the store.

    Raises:
        NotFound: it does not exist.
    """
    upload = require_upload(scope, upload_id)
    _record(scope, "upload.removed", upload, actor, change(_recorded(upload), {}))
    expire(scope, upload_id)


def _require_size(scope: TenantScope, length: int) -> None:
    most = max_upload_bytes(scope)
    if length > most:
        raise UploadTooLarge(f"An upload has at most {most} bytes.")


def _add(scope: TenantScope, new: NewUpload, length: int, actor: str) -> PendingUpload:
    upload = PendingUpload(
        organisation_id=scope.organisation.id,
        length=length,
        received=0,
        metadata_header=new.metadata,
        filename=new.filename,
        concatenation=new.concatenation,
        begun_by=actor,
        expires_at=_expiry(scope),
    )
    scope.session.add(upload)
    scope.session.flush()
    _record(scope, "upload.begun", upload, actor, change({}, _recorded(upload)))
    return upload


def _expiry(scope: TenantScope) -> datetime:
    return utcnow() + lifetime(scope)


def _locked(scope: TenantScope, upload_id: UUID) -> PendingUpload | None:
    """The upload as it is now, with its row locked; None if there is none."""
    key = (scope.organisation.id, upload_id)
    found = scope.session.get(PendingUpload, key, with_for_update=True, populate_existing=True)
    return None if found is None or found.expires_at <= utcnow() else found


def _recorded(upload: PendingUpload) -> dict[str, object]:
    return {"filename": upload.filename, "length": upload.length}


def _record(
    scope: TenantScope, action: str, upload: PendingUpload, actor: str, detail: dict[str, Any]
) -> None:
    record(scope, actor=actor, action=action, target=f"upload:{upload.id}", detail=detail)
