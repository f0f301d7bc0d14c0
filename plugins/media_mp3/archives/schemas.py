"""What goes over the wire about archives."""

from __future__ import annotations

from marshmallow import fields

from autonomy_core.plugin_api.schemas import ApiSchema, Timestamp


class ArchiveSchema(ApiSchema):
    """A whole release as one ZIP file in one format, for its owner."""

    name = fields.String(
        required=True,
        metadata={
            "description": "of the format; `original` if the uploaded files have several",
            "example": "flac",
        },
    )
    title = fields.String(required=True, metadata={"description": "of the format, for people"})
    lossless = fields.Boolean(required=True, metadata={"description": "whether each track is"})
    tracks = fields.Integer(required=True, metadata={"description": "their number"})
    size = fields.Integer(required=True, metadata={"description": "bytes of the whole file"})
    available_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "the moment of the release, until which there is no URL; null afterwards"},
    )
    download_url = fields.Url(
        required=True,
        allow_none=True,
        metadata={"description": "opens for a while, without a header; null before the release"},
    )
