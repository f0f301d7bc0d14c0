"""What goes over the wire."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields, validate

from autonomy_core.plugin_api.files import UPLOAD_ID
from autonomy_core.plugin_api.images import ImageSchema
from autonomy_core.plugin_api.schemas import (
    ApiSchema,
    FindingSchema,
    Identifier,
    NumberInText,
    StrictBoolean,
    Text,
    Timestamp,
    WholeNumber,
)
from media_mp3.domain import MOST_TRACKS
from media_mp3.loudness.schemas import AdminLoudnessSchema, LoudnessSchema

LONGEST_TEXT = 200
LONGEST_LYRICS = 20_000
FORMAT = "`mp3`, `wav`, `aiff`, `flac` or `alac`"


def _stream_url() -> fields.Url:
    description = "plays in `<audio>` for a while, without a header; null before the release"
    return fields.Url(required=True, allow_none=True, metadata={"description": description})


def _download_url() -> fields.Url:
    return fields.Url(
        required=True, allow_none=True, metadata={"description": "the same, to be saved as a file"}
    )


class TrackFormatSchema(ApiSchema):
    """A format of a track, for its owner."""

    name = fields.String(required=True)
    title = fields.String(required=True, metadata={"description": "for people"})
    media_type = fields.String(required=True)
    lossless = fields.Boolean(required=True)
    size = fields.Integer(required=True, metadata={"description": "bytes"})
    stream_url = _stream_url()
    download_url = _download_url()


class TrackSchema(ApiSchema):
    """A track as its owner sees it."""

    id = fields.UUID(required=True)
    title = fields.String(required=True)
    artist = fields.String(required=True, allow_none=True)
    album = fields.String(required=True, allow_none=True)
    genre = fields.String(required=True, allow_none=True)
    year = fields.Integer(required=True, allow_none=True)
    track_number = fields.Integer(required=True, allow_none=True)
    disc_number = fields.Integer(required=True, allow_none=True)
    duration_ms = fields.Integer(required=True, metadata={"description": "milliseconds"})
    bitrate = fields.Integer(required=True, metadata={"description": "bits a second, the average"})
    size = fields.Integer(required=True, metadata={"description": "bytes"})
    isrc = fields.String(required=True, allow_none=True)
    lyrics = fields.String(required=True, allow_none=True, metadata={"description": "plain text"})
    explicit = fields.Boolean(required=True)
    hidden = fields.Boolean(
        required=True, metadata={"description": "whether visitors do not see it; buyers get it"}
    )
    instant = fields.Boolean(
        required=True, metadata={"description": "whether buyers of a pre-order get it at once"}
    )
    loudness = fields.Nested(
        LoudnessSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null until the worker has measured it"},
    )
    available_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "the moment of the release, until which there are no URLs; null afterwards"},
    )
    cover = fields.Nested(
        ImageSchema, required=True, metadata={"description": "its own, or that of the product"}
    )
    stream_url = _stream_url()
    download_url = _download_url()
    formats = fields.List(
        fields.Nested(TrackFormatSchema),
        required=True,
        metadata={
            "description": "those that are ready, in the order of the shop. The links above give the first; "
            "the uploaded file if there is none"
        },
    )


class AdminTrackSchema(TrackSchema):
    """A track as staff see it."""

    class Meta:
        exclude = ("available_at", "cover", "formats", "stream_url", "download_url")

    product_id = fields.UUID(required=True)
    loudness = fields.Nested(AdminLoudnessSchema, required=True, attribute="loudness_for_staff")
    position = fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "tracks are listed by it, and no two have the same; one that was removed has none"
        },
    )
    single_id = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "the product with which it is sold alone; null if it never was"},
    )
    filename = fields.String(required=True, metadata={"description": "of the upload"})
    format = fields.String(required=True, metadata={"description": f"of the upload: {FORMAT}"})
    sha256 = fields.String(required=True)
    warnings = fields.List(
        fields.Nested(FindingSchema),
        required=True,
        attribute="explained_warnings",
        metadata={"description": "what the inspection warns of"},
    )
    created_at = Timestamp(required=True)
    stored_at = Timestamp(required=True, metadata={"description": "when the file was last replaced"})
    removed_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "since when only those have it who began to buy the product before"},
    )


class FactsSchema(ApiSchema):
    """Facts from the audio itself, not from tags and headers."""

    duration_ms = fields.Integer(required=True)
    bitrate = fields.Integer(required=True)
    sample_rate = fields.Integer(required=True, metadata={"description": "hertz"})
    channels = fields.Integer(required=True)
    format = fields.String(required=True, metadata={"description": FORMAT})
    bits = fields.Integer(
        required=True, allow_none=True, metadata={"description": "of a sample; null for an MP3"}
    )
    samples = fields.Integer(
        required=True, allow_none=True, metadata={"description": "of each channel; null for an MP3"}
    )
    mpeg_version = fields.String(
        required=True, allow_none=True, metadata={"description": "of an MP3, as the following"}
    )
    layer = fields.Integer(required=True, allow_none=True)
    vbr = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "whether the bitrate varies"}
    )
    frames = fields.Integer(required=True, allow_none=True)


class UploadedSchema(ApiSchema):
    """A track that has been accepted."""

    track = fields.Nested(AdminTrackSchema, required=True)
    facts = fields.Nested(FactsSchema, required=True)


YEAR = validate.Range(1, 9999)
NUMBER = validate.Range(1, 9999)
POSITION = validate.Range(1, 10_000)


class Isrc(fields.String):
    """An International Standard Recording Code, with or without hyphens.

    Source: ISO 3901: a prefix of two letters and three characters, the year, five digits.
    """

    SPELLING = re.compile(r"[A-Z]{2}-?[A-Z0-9]{3}-?\d{2}-?\d{5}", re.ASCII | re.IGNORECASE)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        if not self.SPELLING.fullmatch(text):
            raise ValidationError("This is no ISRC: write 12 characters such as ATS422400001.")
        return text.replace("-", "").upper()


def _text_field() -> Text:
    return Text(LONGEST_TEXT, blank=True, load_default=None)


class UploadFieldsSchema(ApiSchema):
    """The fields beside the file.

    Absent and blank fields get their values from the tags. A title without a tag is the name of the file.
    """

    title = _text_field()
    artist = _text_field()
    album = _text_field()
    genre = _text_field()
    year = NumberInText(load_default=None, validate=YEAR)
    track_number = NumberInText(load_default=None, validate=NUMBER)
    disc_number = NumberInText(load_default=None, validate=NUMBER)
    position = NumberInText(
        load_default=None,
        validate=POSITION,
        metadata={
            "description": "by default the last; if another track has it, that and all behind it move on"
        },
    )


class NoFieldsSchema(ApiSchema):
    """A form with a file and nothing beside it."""


def _optional_text() -> Text:
    return Text(LONGEST_TEXT, allow_none=True)


class TrackChangesSchema(ApiSchema):
    """The changes of a track. Absent fields stay as they are."""

    title = Text(LONGEST_TEXT)
    artist = _optional_text()
    album = _optional_text()
    genre = _optional_text()
    year = WholeNumber(allow_none=True, validate=YEAR)
    track_number = WholeNumber(allow_none=True, validate=NUMBER)
    disc_number = WholeNumber(allow_none=True, validate=NUMBER)
    isrc = Isrc(allow_none=True, metadata={"example": "ATS422400001"})
    lyrics = Text(LONGEST_LYRICS, lines=True, allow_none=True)
    explicit = StrictBoolean()
    hidden = StrictBoolean(metadata={"description": "whether visitors do not see it; buyers get it"})
    instant = StrictBoolean(metadata={"description": "whether buyers of a pre-order get it at once"})
    position = WholeNumber(
        validate=POSITION, metadata={"description": "if another track has it, that and all behind it move on"}
    )
    removed = StrictBoolean(
        metadata={"description": "`false` brings back a track that was removed, as the last one"}
    )


class OrderSchema(ApiSchema):
    """The order of a product's tracks."""

    track_ids = fields.List(
        Identifier(),
        required=True,
        validate=validate.Length(max=MOST_TRACKS),
        metadata={"description": "each track that has not been removed, once"},
    )


def _form_text() -> dict[str, Any]:
    return {"type": "string", "maxLength": LONGEST_TEXT, "description": "by default from the tags"}


def _form_number(most: int, description: str = "by default from the tags") -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most, "description": description}


_FILE = {"type": "string", "format": "binary", "contentMediaType": "audio/*"}

UPLOAD_FORM = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "file": {**_FILE, "description": "the recording: WAV, AIFF, FLAC, ALAC or MP3"},
        **UPLOAD_ID,
        **{name: _form_text() for name in ("title", "artist", "album", "genre")},
        **{name: _form_number(9999) for name in ("year", "track_number", "disc_number")},
        "position": _form_number(10_000, "by default the last"),
    },
}
"""The form of an upload, for the API description."""

REPLACEMENT_FORM = {
    **UPLOAD_FORM,
    "properties": {"file": {**_FILE, "description": "the recording instead"}, **UPLOAD_ID},
}
"""The form of a file that replaces another."""
