"""Why an upload is not taken, or a recording not sent."""

from __future__ import annotations

from typing import ClassVar

from autonomy_core.plugin_api.errors import (
    AutonomyError,
    Conflict,
    InvalidInput,
    Malformed,
    TooLarge,
    Unavailable,
)


class NotPlayable(InvalidInput):
    """The inspection found something; ``findings`` has everything, see the debugging guide."""

    code, title = "not_playable", "The file is not an MP3 that plays everywhere"
    members: ClassVar = {
        "findings": {
            "type": "array",
            "description": "with `not_playable`: every reason",
            "items": {
                "type": "object",
                "required": ["code", "message", "detail", "remedy"],
                "properties": {
                    "code": {"type": "string", "description": "stable, see the MP3 upload guide"},
                    "message": {"type": "string", "description": "a sentence for people"},
                    "detail": {"type": "object", "description": "figures, such as byte offsets"},
                    "remedy": {"type": "string", "description": "what to do about it"},
                },
            },
        }
    }


class WrongKind(Conflict):
    """Only products of the kind ``mp3`` have tracks."""

    code, title = "not_an_mp3_product", "The product is of another kind"


class TrackExists(Conflict):
    """The product has a track with exactly these bytes."""

    code, title = "track_exists", "The product has this very file already"
    members: ClassVar = {
        "track_id": {
            "type": "string",
            "format": "uuid",
            "description": "with `track_exists`: the track it is",
        }
    }


class TrackRemoved(Conflict):
    """What is asked for cannot be done with a track that was removed."""

    code, title = "track_removed", "The track was removed"


class TracksDiffer(Conflict):
    """The order does not name each track of the product once; perhaps one was added or removed meanwhile."""

    code, title = "tracks_differ", "These are not the product's tracks"


class UploadTooLarge(TooLarge):
    """The file is larger than the organisation allows."""

    code, title = "upload_too_large", "The file is too large"


class UploadMalformed(Malformed):
    """The body is not a form as RFC 7578 has it."""

    code, title = "upload_malformed", "The form cannot be read"


class UploadInterrupted(Malformed):
    """The body ended before its announced end."""

    code, title = "upload_interrupted", "The upload was cut off"


class UploadWithoutFile(InvalidInput):
    """The form lacks the file."""

    code, title = "upload_no_file", "The form has no file"


class InspectionBusy(Unavailable):
    """As many uploads are being inspected as the server allows."""

    code, title = "inspection_busy", "Too many uploads are being inspected"


class StorageUnavailable(Unavailable):
    """The disk is full, or a stored file is missing; the server's log says which."""

    code, title = "storage_unavailable", "The file storage does not do as it should"


class PreconditionFailed(AutonomyError):
    """If-Match or If-Unmodified-Since does not hold (RFC 9110, section 15.5.13)."""

    status, code, title = 412, "precondition_failed", "The file is not the one that the request is about"


class RangeNotSatisfiable(AutonomyError):
    """The range begins behind the end of the file (RFC 9110, section 15.5.17)."""

    status, code, title = 416, "range_not_satisfiable", "The file has no such range"
