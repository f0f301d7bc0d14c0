"""From a finished upload to a file on the disk, as if it had arrived in a form."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from autonomy_core.fields import parse_uuid
from autonomy_core.files.area import FileArea
from autonomy_core.files.errors import UploadTooLarge, UploadUnfinished, UploadUnknown
from autonomy_core.files.models import PendingUpload, UploadPart
from autonomy_core.files.services import storage_of, unavailable_if_unreadable
from autonomy_core.files.settings import PARTS
from autonomy_core.files.upload import Upload
from autonomy_core.files.uploads import direct
from autonomy_core.files.uploads.domain import PARTIAL
from autonomy_core.files.uploads.services import find_upload
from autonomy_core.kernel.scope import TenantScope


def assembled(
    scope: TenantScope, area: FileArea, upload_id: str, fields: Mapping[str, str], *, max_bytes: int
) -> Upload:
    """Read a finished upload from the store into a temporary file, which the caller removes.

    Args:
        scope: in no transaction.
        area: the files that it will belong to.
        upload_id: of the upload, as the client wrote it.
        fields: the other fields of the form.
        max_bytes: the largest file that the call accepts.

    Raises:
        UploadUnknown: the organisation has no such upload.
        UploadUnfinished: it has not arrived completely, or will be joined with others.
        UploadTooLarge: it is larger than the call accepts.
        StorageUnavailable: a part cannot be read.
        OSError: the temporary file cannot be written.
    """
    with scope.begin() as own:
        upload, parts = _find(own, parse_uuid(upload_id))
    if upload.length > max_bytes:
        raise UploadTooLarge(f"The file is larger than {max_bytes} bytes.")
    descriptor, name = tempfile.mkstemp(prefix="upload-", suffix=area.suffix, dir=area.incoming(scope.server))
    path, content = Path(name), hashlib.sha256()
    try:
        with os.fdopen(descriptor, "wb") as target:
            for chunk in _chunks(scope, upload, parts):
                content.update(chunk)
                target.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    sha256 = content.hexdigest()
    return Upload(path, sha256, upload.length, upload.filename, fields, is_limited=True, upload_id=upload.id)


def _chunks(scope: TenantScope, upload: PendingUpload, parts: list[tuple[str, int]]) -> Iterator[bytes]:
    if upload.direct:
        with unavailable_if_unreadable(PARTS, str(upload.id)):
            yield from direct.chunks_of(scope, upload)
    for key, size in parts:
        with unavailable_if_unreadable(PARTS, key):
            yield from storage_of(scope, PARTS).open_range(key, 0, size - 1)


def _find(scope: TenantScope, upload_id: UUID | None) -> tuple[PendingUpload, list[tuple[str, int]]]:
    upload = None if upload_id is None else find_upload(scope, upload_id)
    if upload is None:
        raise UploadUnknown("It may have expired or been used already. Upload the file again.")
    if not upload.is_complete:
        raise UploadUnfinished(f"{upload.received} of {upload.length} bytes have arrived.")
    if upload.concatenation == PARTIAL:
        raise UploadUnfinished("Join it with the others, with Upload-Concat: final.")
    parts = select(UploadPart.storage_key, UploadPart.size).where(UploadPart.upload_id == upload.id)
    rows = scope.session.execute(parts.order_by(UploadPart.begins_at)).all()
    return upload, [(key, size) for key, size in rows]
