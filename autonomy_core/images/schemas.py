"""Images on the wire."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import fields

from autonomy_core.fields import Text, Timestamp
from autonomy_core.files.upload import UPLOAD_ID
from autonomy_core.images.domain import BOXES, FULL, LARGEST_BOX
from autonomy_core.web.findings import FindingSchema
from autonomy_core.web.schemas import ApiSchema

LONGEST_ALT: Final = 500
_ALT = "what the picture shows, for people who do not see it"


def _url(description: str) -> fields.Url:
    return fields.Url(required=True, metadata={"description": description})


ImageUrlsSchema = ApiSchema.from_dict(
    {
        **{name: _url(f"at most {box} x {box} pixels") for name, box in BOXES.items()},
        FULL: _url(f"as large as there is, at most {LARGEST_BOX} x {LARGEST_BOX} pixels"),
    },
    name="ImageUrlsSchema",
)
"""The URLs of an image, by size."""


class ImageSchema(ApiSchema):
    """An image, for visitors."""

    placeholder = fields.Boolean(
        required=True, metadata={"description": "whether there is no image: then the URLs show the title"}
    )
    urls = fields.Nested(
        ImageUrlsSchema,
        required=True,
        metadata={
            "description": "by size; WebP or JPEG, by `Accept`. With `.jpg` or `.webp` at the end, always "
            "that format. A placeholder is an SVG. What a URL shows never changes"
        },
    )
    width = fields.Integer(required=True, metadata={"description": "of `full`, in pixels"})
    height = fields.Integer(required=True, metadata={"description": "of `full`, in pixels"})
    colour = fields.String(
        required=True,
        metadata={"description": "the most frequent colour, to show while it loads", "example": "#1a2b3c"},
    )
    alt = fields.String(required=True, metadata={"description": f"{_ALT}; the title if staff wrote none"})


class AdminImageSchema(ImageSchema):
    """An image, for staff."""

    size = fields.Integer(required=True, metadata={"description": "of all sizes together, in bytes"})
    warnings = fields.List(fields.Nested(FindingSchema), required=True)
    set_at = Timestamp(required=True)


class ImageFieldsSchema(ApiSchema):
    """The fields beside an uploaded image."""

    alt = Text(LONGEST_ALT, load_default=None, metadata={"description": _ALT})


class ImageChangesSchema(ApiSchema):
    """A change of an image's text."""

    alt = Text(
        LONGEST_ALT, required=True, allow_none=True, metadata={"description": f"{_ALT}; `null` for the title"}
    )


class ImageUsageSchema(ApiSchema):
    """What the images of the organisation take."""

    images = fields.Integer(required=True)
    bytes = fields.Integer(required=True, metadata={"description": "of all sizes together"})
    unused_images = fields.Integer(
        required=True, metadata={"description": "how many of them nothing has; they are removed later"}
    )
    unused_bytes = fields.Integer(required=True)


IMAGE_FORM: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **UPLOAD_ID,
        "file": {
            "type": "string",
            "format": "binary",
            "description": "a JPEG, PNG, WebP or AVIF image of at least 300 x 300 pixels",
        },
        "alt": {"type": "string", "maxLength": LONGEST_ALT, "description": _ALT},
    },
}
"""The form of an upload, for the API description."""
