"""Uploads on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from autonomy_core.fields import Text, Timestamp, WholeNumber
from autonomy_core.files.uploads.domain import VERSION
from autonomy_core.web.schemas import ApiSchema


class UploadSchema(ApiSchema):
    """An upload that is not used yet."""

    id = fields.UUID(required=True)
    filename = fields.String(required=True, metadata={"description": "the client's name of the file"})
    length = fields.Integer(required=True, metadata={"description": "of the whole file, in bytes"})
    received = fields.Integer(required=True, metadata={"description": "how much of it has arrived, in bytes"})
    is_complete = fields.Boolean(
        required=True,
        metadata={
            "description": "whether all of it has arrived. A call can use it then, by its `id`, unless it is "
            "a partial upload, which is joined with others first"
        },
    )
    direct = fields.Boolean(
        required=True,
        metadata={"description": "whether it goes directly to the store, see `GET …/parts`"},
    )
    begun_by = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the actor, as in the audit log; null after an upgrade of the server"},
    )
    created_at = Timestamp(required=True)
    expires_at = Timestamp(
        required=True, metadata={"description": "when it is removed, unless a part arrives or a call uses it"}
    )


class NewDirectUploadSchema(ApiSchema):
    """A file that goes directly to the store."""

    filename = Text(255, required=True, metadata={"description": "the client's name of the file"})
    length = WholeNumber(
        required=True, validate=validate.Range(1), metadata={"description": "its size, in bytes"}
    )


class PartUrlSchema(ApiSchema):
    """Where one part is sent."""

    number = fields.Integer(required=True, metadata={"description": "of the part, from 1"})
    size = fields.Integer(
        required=True, metadata={"description": "in bytes; the store accepts no other size"}
    )
    url = fields.Url(
        required=True,
        metadata={"description": "for a `PUT` of the part, without a header besides `Content-Length`"},
    )


class DirectUploadSchema(ApiSchema):
    """An upload that goes directly to the store, and the parts that are missing there."""

    id = fields.UUID(required=True)
    part_size = fields.Integer(
        required=True,
        metadata={"description": "part `n` begins at `(n - 1) * part_size`, in bytes"},
    )
    parts = fields.List(fields.Nested(PartUrlSchema), required=True)
    urls_expire_at = Timestamp(required=True, metadata={"description": "get new ones with `GET …/parts`"})
    expires_at = Timestamp(required=True, metadata={"description": "when the upload is removed"})


class AreaUsageSchema(ApiSchema):
    """What files of one sort take."""

    files = fields.String(required=True, metadata={"description": "which files, as `media_mp3/recordings`"})
    count = fields.Integer(required=True)
    bytes = fields.Integer(required=True)


class StorageUsageSchema(ApiSchema):
    """What the organisation stores."""

    bytes = fields.Integer(required=True, metadata={"description": "of all files and uploads together"})
    limit = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "how much the organisation may store, in bytes; `null` for no limit"},
    )
    uploads = fields.Integer(required=True, metadata={"description": "how many uploads are not used yet"})
    upload_bytes = fields.Integer(
        required=True,
        metadata={"description": "of these together, in bytes, also of what has not arrived yet"},
    )
    areas = fields.List(fields.Nested(AreaUsageSchema), required=True)


def header(name: str, description: str, example: str, *, required: bool = False) -> dict[str, Any]:
    """A header of a request, for the API description."""
    return {
        "in": "header",
        "name": name,
        "required": required,
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    }


VERSION_HEADER = header("Tus-Resumable", "the version of the protocol", VERSION, required=True)
