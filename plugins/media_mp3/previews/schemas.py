"""What goes over the wire about previews."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import ValidationError, fields, validate, validates_schema

from autonomy_core.plugin_api.schemas import ApiSchema, Timestamp, WholeNumber
from media_mp3.previews.domain import EXCERPT, MODES
from media_mp3.renditions.domain import FAILED, READY, RUNNING, WAITING
from media_mp3.renditions.schemas import RenditionErrorSchema

LONGEST_S: Final = 600
"""Of an excerpt, in seconds."""
_LATEST_START_MS: Final = 24 * 3600 * 1000

_MODE: Final = "`none`, the whole track (`full`) at 128 kbit/s, or an `excerpt`"
_START: Final = "where the excerpt begins, in milliseconds; null for the loudest part"


class PreviewChoiceSchema(ApiSchema):
    """What visitors hear of a track."""

    mode = fields.String(required=True, validate=validate.OneOf(MODES), metadata={"description": _MODE})
    start_ms = WholeNumber(
        allow_none=True,
        load_default=None,
        validate=validate.Range(0, _LATEST_START_MS),
        metadata={"description": _START},
    )
    length_ms = WholeNumber(
        allow_none=True,
        load_default=None,
        validate=validate.Range(1000, LONGEST_S * 1000),
        metadata={"description": "of the excerpt, in milliseconds; null for that of the organisation"},
    )

    @validates_schema
    def require_excerpt(self, data: dict[str, Any], **_: Any) -> None:
        """Only an excerpt has a beginning and a length."""
        if data["mode"] == EXCERPT:
            return
        for name in ("start_ms", "length_ms"):
            if data[name] is not None:
                raise ValidationError("Only an excerpt has it; leave it out.", name)


class AdminPreviewSchema(ApiSchema):
    """What visitors hear of a track, for staff."""

    mode = fields.String(required=True, validate=validate.OneOf(MODES), metadata={"description": _MODE})
    start_ms = fields.Integer(required=True, allow_none=True, metadata={"description": _START})
    length_ms = fields.Integer(
        required=True,
        metadata={"description": "of an excerpt at most, in milliseconds; it is at most half of the track"},
    )
    by_staff = fields.Boolean(
        required=True, metadata={"description": "false if the organisation's ini file says it"}
    )
    state = fields.String(
        required=True,
        allow_none=True,
        attribute="progress.state",
        dump_default=None,
        validate=validate.OneOf([WAITING, RUNNING, READY, FAILED]),
        metadata={"description": "how far the worker is; null without a preview"},
    )
    size = fields.Integer(
        required=True,
        allow_none=True,
        attribute="progress.size",
        dump_default=None,
        metadata={"description": "bytes of the preview; null before it is made"},
    )
    error = fields.Nested(
        RenditionErrorSchema,
        required=True,
        allow_none=True,
        attribute="progress.error",
        dump_default=None,
        metadata={"description": "the last failure"},
    )
    changed_at = Timestamp(
        required=True,
        allow_none=True,
        attribute="progress.changed_at",
        dump_default=None,
        metadata={"description": "when the state changed last"},
    )


class WaveformSchema(ApiSchema):
    """A waveform in the format of BBC audiowaveform."""

    version = fields.Integer(required=True)
    channels = fields.Integer(required=True, metadata={"description": "1: all channels together"})
    sample_rate = fields.Integer(required=True, metadata={"description": "hertz"})
    samples_per_pixel = fields.Integer(required=True)
    bits = fields.Integer(required=True, metadata={"description": "8: values from -128 to 127"})
    length = fields.Integer(required=True, metadata={"description": "how many points there are"})
    data = fields.List(
        fields.Integer(),
        required=True,
        metadata={"description": "the lowest and the highest value of each point in turn"},
    )
