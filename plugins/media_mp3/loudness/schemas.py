"""What goes over the wire about loudness."""

from __future__ import annotations

from marshmallow import fields, validate

from autonomy_core.plugin_api.schemas import ApiSchema
from media_mp3.renditions.domain import FAILED, READY, WAITING
from media_mp3.renditions.schemas import RenditionErrorSchema


class LoudnessSchema(ApiSchema):
    """How loud a track is (EBU R 128), and the gain of ReplayGain 2.0."""

    integrated_lufs = fields.Float(
        required=True, allow_none=True, metadata={"description": "of the whole track; null for silence"}
    )
    range_lu = fields.Float(
        required=True, allow_none=True, metadata={"description": "the loudness range (EBU Tech 3342)"}
    )
    true_peak_dbtp = fields.Float(
        required=True, allow_none=True, metadata={"description": "the true peak; null for silence"}
    )
    track_gain_db = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "brings the track to -18 LUFS; null for silence"},
    )
    album_gain_db = fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "brings the whole product to -18 LUFS; null if not all of its tracks are measured"
        },
    )


class AdminLoudnessSchema(LoudnessSchema):
    """The same, and how far the worker is."""

    state = fields.String(required=True, validate=validate.OneOf([WAITING, READY, FAILED]))
    error = fields.Nested(
        RenditionErrorSchema,
        required=True,
        allow_none=True,
        attribute="explained_error",
        metadata={"description": "the last failure"},
    )
