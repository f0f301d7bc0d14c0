"""What goes over the wire about extras."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from autonomy_core.plugin_api.files import UPLOAD_ID
from autonomy_core.plugin_api.schemas import ApiSchema, Text, Timestamp
from media_mp3.extras.domain import FORMATS, LONGEST_TITLE

_TITLE = "for people; by default the name of the file"


class _AnyExtraSchema(ApiSchema):
    id = fields.UUID(required=True)
    title = fields.String(required=True)
    format = fields.String(required=True, validate=validate.OneOf(list(FORMATS)))
    size = fields.Integer(required=True, metadata={"description": "bytes"})


class ExtraSchema(_AnyExtraSchema):
    """An extra, for an owner of its product."""

    media_type = fields.String(required=True)
    available_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "the moment of the release, until which there is no URL; null afterwards"},
    )
    download_url = fields.Url(
        required=True,
        allow_none=True,
        metadata={"description": "works for a while, without a header; null before the release"},
    )


class AdminExtraSchema(_AnyExtraSchema):
    """An extra, for staff."""

    product_id = fields.UUID(required=True)
    filename = fields.String(required=True, metadata={"description": "of the upload"})
    sha256 = fields.String(required=True)
    created_at = Timestamp(required=True)
    removed_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "since when only those have it who began to buy the product before"},
    )


class ExtraFieldsSchema(ApiSchema):
    """The fields beside the file."""

    title = Text(LONGEST_TITLE, blank=True, load_default=None, metadata={"description": _TITLE})


class ExtraChangesSchema(ApiSchema):
    """The changes of an extra."""

    title = Text(LONGEST_TITLE, required=True)


EXTRA_FORM: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **UPLOAD_ID,
        "file": {"type": "string", "format": "binary", "description": "a PDF, ZIP, JPEG, PNG or WebP"},
        "title": {"type": "string", "maxLength": LONGEST_TITLE, "description": _TITLE},
    },
}
"""The form of an upload, for the API description."""
