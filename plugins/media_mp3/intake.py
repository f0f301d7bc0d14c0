"""From the body of a request to a file that is known to play. No database connection is held meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import structlog
from marshmallow import Schema, ValidationError

from autonomy_core.plugin_api.errors import AutonomyError, InvalidInput
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3 import errors, inspection
from media_mp3.domain import TrackReport, describe
from media_mp3.schemas import UploadFieldsSchema
from media_mp3.settings import PLUGIN, incoming_directory, max_upload_bytes
from media_mp3.turns import FairTurns, TurnsBusy
from media_mp3.upload import Upload, UploadError, receive

log = structlog.get_logger(__name__)

FILE_FIELD = "file"
WAIT_S = 30
"""For how long an upload waits for its turn to be inspected, in seconds."""
PLACES = 16
"""How many uploads wait for their turn, of all organisations; each occupies a thread, of which a process has 64."""
_ABANDONED_S = 24 * 3600

_ERRORS: dict[str, type[AutonomyError]] = {
    error.code: error
    for error in (
        errors.UploadTooLarge,
        errors.UploadMalformed,
        errors.UploadInterrupted,
        errors.UploadWithoutFile,
    )
}


@contextmanager
def received(
    scope: TenantScope, body: BinaryIO, content_type: str, content_length: int | None
) -> Iterator[Upload]:
    """Receive a form with one file; the temporary file is gone after the block.

    Raises:
        UploadTooLarge, UploadMalformed, UploadInterrupted, UploadWithoutFile, StorageUnavailable
    """
    upload = _receive(scope, body, content_type, content_length)
    try:
        yield upload
    finally:
        upload.path.unlink(missing_ok=True)


def _receive(scope: TenantScope, body: BinaryIO, content_type: str, content_length: int | None) -> Upload:
    try:
        directory = incoming_directory(scope)
        remove_abandoned(directory)
        return receive(
            body,
            content_type,
            content_length,
            file_field=FILE_FIELD,
            max_bytes=max_upload_bytes(scope),
            directory=directory,
        )
    except UploadError as error:
        raise _ERRORS[error.code](str(error)) from error
    except OSError as error:
        log.exception("media_mp3.upload_not_written")
        raise errors.StorageUnavailable("The file could not be written.") from error


def remove_abandoned(directory: Path) -> None:
    """Remove what a process that was killed in the middle of an upload has left."""
    oldest = time.time() - _ABANDONED_S
    for path in directory.glob("upload-*"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:
            continue


def fields_of(upload: Upload, schema: type[Schema] = UploadFieldsSchema) -> dict[str, Any]:
    """What the form says beside the file.

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


def accepted(scope: TenantScope, upload: Upload) -> TrackReport:
    """Inspect an upload.

    Raises:
        NotPlayable: with every finding.
        InspectionBusy: too many wait already.
    """
    with inspection_turn(scope):
        report = inspection.inspect(upload.path)
    if not report.accepted:
        findings = [describe(finding) for finding in report.findings]
        log.info("media_mp3.refused", codes=[finding["code"] for finding in findings], size=upload.size)
        raise errors.NotPlayable(
            "Every reason is in findings, with what to do about it.", extra={"findings": findings}
        )
    return report


@contextmanager
def inspection_turn(scope: TenantScope) -> Iterator[None]:
    """Take one of the process's turns to inspect, which organisations share fairly.

    Raises:
        InspectionBusy: none was free for `WAIT_S` seconds, or the organisation has as many waiting as it may.
    """
    turns = _turns(scope.server_settings(PLUGIN)["inspections_at_once"])
    try:
        with turns.turn(scope.organisation.id, WAIT_S):
            yield
    except TurnsBusy as error:
        raise errors.InspectionBusy(
            "Upload the file again in a while.", extra={"retry_after": WAIT_S}
        ) from error


@lru_cache(maxsize=8)
def _turns(at_once: int) -> FairTurns:
    return FairTurns(at_once, PLACES)
