"""From the body of a request to a file on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from marshmallow import Schema, ValidationError
from pyramid.request import Request

from autonomy_core.errors import InvalidInput, Unavailable, UnsupportedMediaType
from autonomy_core.files import errors
from autonomy_core.files.area import FileArea
from autonomy_core.files.incoming import incoming_directory, not_written
from autonomy_core.files.room import require_room_outside
from autonomy_core.files.upload import Reference, Upload, largest_form, receive
from autonomy_core.files.uploads.assembling import assembled
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.turns import FairTurns, TurnsBusy
from autonomy_core.web.operations import expect_large_body

RECEIVING_ERRORS: Final = (
    InvalidInput,
    errors.UploadTooLarge,
    errors.UploadMalformed,
    errors.UploadInterrupted,
    errors.UploadWithoutFile,
    errors.UploadUnknown,
    errors.UploadUnfinished,
    errors.StorageFull,
    errors.StorageUnavailable,
)
"""What a view declares in ``errors=`` that calls `receive_upload`."""

WAIT_S: Final = 30
"""How long a form that names an upload waits for its turn, in seconds."""

TURNS: Final = FairTurns(concurrent=4, places=8)
"""A form of a few bytes makes the process copy a whole upload from the store to the disk."""


@contextmanager
def receive_upload(
    scope: TenantScope, request: Request, area: FileArea, *, max_bytes: int, file_field: str = "file"
) -> Iterator[Upload]:
    """Receive a form (``multipart/form-data``) with one file. The received file is removed after the block.

    Instead of the file, the form may have the id of a finished upload in its field ``upload``. The upload
    ends in the transaction that calls `keep_upload`.

    For a view with ``transaction="none"``, because the body may take minutes. `store_upload` keeps the file.

    Args:
        scope: in no transaction.
        max_bytes: the largest file that is accepted; a larger one is refused while it arrives.
        file_field: the name of the form's field with the file.

    Raises:
        UnsupportedMediaType: the body is not a form.
        UploadTooLarge, UploadMalformed, UploadInterrupted, UploadWithoutFile, UploadUnknown,
        UploadUnfinished, StorageFull, StorageUnavailable
        Unavailable: too many forms that name uploads wait already.
    """
    if request.content_type != "multipart/form-data":
        raise UnsupportedMediaType("Send the file as multipart/form-data.")
    expect_large_body(request, largest_form(max_bytes))
    upload = _receive(scope, request, area, max_bytes, file_field)
    try:
        yield upload
    finally:
        upload.path.unlink(missing_ok=True)


def _receive(scope: TenantScope, request: Request, area: FileArea, max_bytes: int, file_field: str) -> Upload:
    require_room_outside(scope, (request.content_length or 0) - largest_form(0))
    directory = incoming_directory(scope, area)
    try:
        received = receive(
            request.body_file,
            request.headers["Content-Type"],
            request.content_length,
            file_field=file_field,
            max_bytes=max_bytes,
            directory=directory,
            suffix=area.suffix,
        )
        if isinstance(received, Upload):
            return received
        return _assembled(scope, area, received, max_bytes)
    except OSError as error:
        raise not_written(area, error) from error


def _assembled(scope: TenantScope, area: FileArea, named: Reference, max_bytes: int) -> Upload:
    try:
        with TURNS.turn(scope.organisation.id, WAIT_S):
            return assembled(scope, area, named.upload_id, named.fields, max_bytes=max_bytes)
    except TurnsBusy as error:
        raise Unavailable("Too many uploads are being used.", extra={"retry_after": WAIT_S}) from error


def fields_of(upload: Upload, schema: type[Schema]) -> dict[str, Any]:
    """Load the fields of the form beside the file.

    Raises:
        InvalidInput: with each field's messages.
    """
    try:
        fields: dict[str, Any] = schema().load(upload.fields)
    except ValidationError as error:
        raise InvalidInput(
            "The body is not valid; see errors.", extra={"errors": {"body": error.messages}}
        ) from error
    return fields
