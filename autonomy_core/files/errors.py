"""Why an upload is refused, or a file is not sent."""

from __future__ import annotations

from typing import ClassVar

from autonomy_core.errors import AutonomyError, Conflict, InvalidInput, Malformed, TooLarge, Unavailable


class UploadTooLarge(TooLarge):
    """The file is larger than the call allows."""

    code, title = "upload_too_large", "The file is too large"


class UploadMalformed(Malformed):
    """The body is not a form of RFC 7578."""

    code, title = "upload_malformed", "The form cannot be read"


class UploadInterrupted(Malformed):
    """The body ended before its declared end."""

    code, title = "upload_interrupted", "The upload was cut off"


class UploadWithoutFile(InvalidInput):
    """The form has no file."""

    code, title = "upload_no_file", "The form has no file"


class UploadUnknown(InvalidInput):
    """The form names an upload that the organisation does not have."""

    code, title = "upload_unknown", "There is no such upload"


class UploadUnfinished(Conflict):
    """The upload has not arrived completely, or is only a part of another one."""

    code, title = "upload_unfinished", "The upload is not finished"


class StorageFull(TooLarge):
    """The organisation would store more than its limit.

    Not 507: clients of uploads repeat a request that failed with such a status.
    """

    code, title = "storage_full", "The organisation has no room for the file"
    members: ClassVar = {
        "limit_bytes": {"type": "integer", "description": "with `storage_full`: the limit, in bytes"},
        "used_bytes": {
            "type": "integer",
            "description": "with `storage_full`: what the organisation stores, in bytes",
        },
    }


class StorageUnavailable(Unavailable):
    """The disk is full, or a stored file is missing or damaged. The server's log says which."""

    code, title = "storage_unavailable", "The file storage does not do as it should"


class PreconditionFailed(AutonomyError):
    """If-Match or If-Unmodified-Since does not hold (RFC 9110, section 15.5.13)."""

    status, code, title = 412, "precondition_failed", "The content is not the one that the request is about"


class RangeNotSatisfiable(AutonomyError):
    """The range begins behind the end of the file (RFC 9110, section 15.5.17)."""

    status, code, title = 416, "range_not_satisfiable", "The file has no such range"
