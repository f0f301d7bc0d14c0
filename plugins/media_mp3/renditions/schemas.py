"""What goes over the wire about renditions."""

from __future__ import annotations

from marshmallow import fields, validate

from autonomy_core.plugin_api.schemas import ApiSchema, Timestamp
from media_mp3.renditions.domain import FAILED, READY, RUNNING, WAITING


class RenditionErrorSchema(ApiSchema):
    """Why a file could not be made."""

    code = fields.String(required=True, metadata={"description": "stable, see the guide of formats"})
    message = fields.String(required=True, metadata={"description": "a sentence for people"})
    remedy = fields.String(required=True, metadata={"description": "what to do about it"})


class RenditionSchema(ApiSchema):
    """How far the worker is with one format of a track."""

    track_id = fields.UUID(required=True)
    name = fields.String(required=True, metadata={"description": "of the format"})
    title = fields.String(required=True, metadata={"description": "of the format, for people"})
    state = fields.String(required=True, validate=validate.OneOf([WAITING, RUNNING, READY, FAILED]))
    size = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "bytes of the file that buyers get now, which may be the one before"},
    )
    attempts = fields.Integer(required=True)
    error = fields.Nested(
        RenditionErrorSchema, required=True, allow_none=True, metadata={"description": "the last failure"}
    )
    changed_at = Timestamp(
        required=True, allow_none=True, metadata={"description": "when the state changed last"}
    )
