"""Uploads that go from the browser directly to the organisation's store, where that is S3.

The client gets a URL for each part, which accepts exactly that part's size, and says when all are there. The
object is then an upload like any other: a call takes it, and inspects it, before it counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select

from autonomy_core.db.base import utcnow
from autonomy_core.files.errors import StorageUnavailable, UploadUnfinished
from autonomy_core.files.models import PendingUpload
from autonomy_core.files.places import Place, breaker_of, own_store
from autonomy_core.files.room import expire
from autonomy_core.files.settings import PARTS
from autonomy_core.files.upload import base_name
from autonomy_core.files.uploads import services
from autonomy_core.files.uploads.domain import UNNAMED, NewUpload, part_bytes, part_sizes
from autonomy_core.files.uploads.errors import UploadNotDirect
from autonomy_core.files.uploads.multipart import MultipartObject, StoredPart
from autonomy_core.kernel.scope import TenantScope

log = structlog.get_logger(__name__)

URL_SECONDS: Final = 3600
"""For how long the URL of a part is valid, in seconds."""


@dataclass(frozen=True, slots=True)
class PartUrl:
    """Where a part is sent.

    Attributes:
        number: of the part, from 1.
        size: in bytes; the store accepts no other.
        url: for a PUT.
    """

    number: int
    size: int
    url: str


@dataclass(frozen=True, slots=True)
class DirectUpload:
    """An upload, and where its missing parts are sent.

    Attributes:
        id: of the upload.
        part_size: of all parts but the last one, in bytes.
        parts: those that have not arrived.
        expires_at: of the upload, aware.
        urls_expire_at: of the URLs, aware.
    """

    id: UUID
    part_size: int
    parts: Sequence[PartUrl]
    expires_at: datetime
    urls_expire_at: datetime


def begin_direct_upload(scope: TenantScope, filename: str, length: int, *, actor: str) -> DirectUpload:
    """Reserve the room, and begin a multipart upload at the store.

    Args:
        scope: in no transaction.
        filename: the client's name of the file.
        length: in bytes, more than 0.

    Raises:
        UploadNotDirect: the organisation's store is not S3, or has no keys in an ini file.
        UploadTooLarge, StorageFull, StorageUnavailable
    """
    _place_of(scope)
    with scope.begin() as own:
        new = NewUpload(length, None, base_name(filename) or UNNAMED, None)
        upload = services.begin_upload(own, new, actor=actor, direct=True)
    try:
        direct_id = object_of(scope, upload.id).begin()
    except OSError as error:
        with scope.begin() as own:
            expire(own, upload.id)
        raise _unavailable(error) from error
    with scope.begin() as own:
        found = services.require_upload(own, upload.id)
        found.direct_id = direct_id
    return _described(scope, found, {})


def missing_parts(scope: TenantScope, upload: PendingUpload) -> DirectUpload:
    """New URLs for the parts that have not arrived.

    Args:
        scope: in no transaction.

    Raises:
        UploadNotDirect: the upload does not go directly to the store.
        StorageUnavailable
    """
    direct_id = _require_direct(upload)
    try:
        arrived = object_of(scope, upload.id).parts(direct_id)
    except OSError as error:
        raise _unavailable(error) from error
    return _described(scope, upload, arrived)


def complete_direct_upload(scope: TenantScope, upload: PendingUpload) -> PendingUpload:
    """Join the parts at the store, if each is there with its size. To complete again does nothing.

    Args:
        scope: in no transaction.

    Raises:
        UploadUnfinished: a part is missing or has another size.
        UploadNotDirect: the upload does not go directly to the store.
        NotFound: the upload was removed meanwhile.
        StorageUnavailable
    """
    direct_id = _require_direct(upload)
    if upload.is_complete:
        return upload
    stored = object_of(scope, upload.id)
    try:
        arrived = stored.parts(direct_id)
        if arrived is not None:
            _require_parts(upload.length, arrived)
            stored.complete(direct_id, arrived)
        # Without parts, another request has joined them, or was interrupted after that.
        size = stored.size()
    except OSError as error:
        raise _unavailable(error) from error
    if size != upload.length:
        raise UploadUnfinished(f"The store has {size or 0} of {upload.length} bytes.")
    with scope.begin() as own:
        found = services.require_upload(own, upload.id)
        found.received = found.length
        services.prolong(own, found)
        return found


def _require_parts(length: int, arrived: dict[int, StoredPart]) -> None:
    expected = dict(enumerate(part_sizes(length), start=1))
    sizes = {number: part.size for number, part in arrived.items()}
    wrong = [number for number, size in expected.items() if sizes.get(number) != size]
    if wrong or sizes.keys() - expected.keys():
        shown = ", ".join(map(str, wrong[:10])) or "too many"
        raise UploadUnfinished(f"These parts are missing or have another size: {shown}.")


def remove_expired(scope: TenantScope) -> list[UUID]:
    """Remove from the store what expired uploads have sent there.

    Args:
        scope: in no transaction.

    Returns:
        The uploads of which nothing is left. Those whose store does not answer are tried again later.
    """
    # No URL is valid any more then, and no request still joins the parts or reads the object.
    before = utcnow() - timedelta(seconds=URL_SECONDS)
    with scope.begin() as own:
        due = select(PendingUpload.id).where(PendingUpload.direct, PendingUpload.expires_at <= before)
        ids = own.session.scalars(due).all()
    removed = []
    for upload_id in ids:
        try:
            object_of(scope, upload_id).remove()
        except OSError:
            log.exception("uploads.direct_not_removed", upload=str(upload_id))
            continue
        except UploadNotDirect:
            # The organisation has another store now. What is in the former one, this server cannot reach.
            log.warning("uploads.direct_left_behind", upload=str(upload_id))
        removed.append(upload_id)
    return removed


def chunks_of(scope: TenantScope, upload: PendingUpload) -> Iterator[bytes]:
    """The content of a completed direct upload: as many bytes as were announced.

    Raises:
        OSError: the store cannot be read, or has another size.
    """
    try:
        stored = object_of(scope, upload.id)
    except UploadNotDirect as error:
        raise OSError("the organisation has another store than at the beginning of the upload") from error
    return stored.chunks(upload.length)


def object_of(scope: TenantScope, upload_id: UUID) -> MultipartObject:
    """The object of a direct upload.

    It is not below the areas of files: no row refers to it, and its name does not say its content.

    Raises:
        UploadNotDirect: the organisation's store has no signed URLs for uploads.
    """
    place = _place_of(scope)
    names = (place.store.path, PARTS.plugin, "direct", scope.organisation.id, str(upload_id))
    return MultipartObject(place.store, "/".join(filter(None, names)), place.timeout, breaker_of(place.store))


def _place_of(scope: TenantScope) -> Place:
    place = PARTS.places(scope.server, own_store(scope.organisation))[0]
    store = place.store
    if store.scheme != "s3" or store.access_key is None or store.secret_key is None:
        raise UploadNotDirect("The organisation's store is not S3, or its keys are not in an ini file.")
    return place


def _require_direct(upload: PendingUpload) -> str:
    if upload.direct_id is None:
        raise UploadNotDirect("The upload goes through the server. Continue it with PATCH.")
    return upload.direct_id


def _described(
    scope: TenantScope, upload: PendingUpload, arrived: Mapping[int, StoredPart] | None
) -> DirectUpload:
    """The upload with URLs for its missing parts; for none if the multipart upload has ended (None)."""
    stored, direct_id = object_of(scope, upload.id), _require_direct(upload)
    missing = [
        PartUrl(number, size, stored.part_url(direct_id, number, size, URL_SECONDS))
        for number, size in enumerate(part_sizes(upload.length), start=1)
        if arrived is not None and (number not in arrived or arrived[number].size != size)
    ]
    urls_expire_at = utcnow() + timedelta(seconds=URL_SECONDS)
    return DirectUpload(upload.id, part_bytes(upload.length), missing, upload.expires_at, urls_expire_at)


def _unavailable(error: OSError) -> StorageUnavailable:
    log.error("uploads.store_failed", reason=str(error))
    return StorageUnavailable("The store does not do as it should.")
