"""Booklets on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from autonomy_core.plugin_api.files import UPLOAD_ID
from autonomy_core.plugin_api.schemas import ApiSchema, Timestamp


class NoFieldsSchema(ApiSchema):
    """A form with a file and nothing beside it."""


class BookletSchema(ApiSchema):
    """A booklet as staff see it."""

    filename = fields.String(required=True, metadata={"description": "of the upload"})
    size = fields.Integer(required=True, metadata={"description": "bytes"})
    pages = fields.Integer(required=True)
    stored_at = Timestamp(required=True)


class OwnBookletSchema(ApiSchema):
    """A booklet as a customer sees it who owns the product."""

    size = fields.Integer(required=True, metadata={"description": "bytes"})
    pages = fields.Integer(required=True)
    url = fields.Url(required=True, metadata={"description": "opens for a while, without a header"})


FORM: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "file": {"type": "string", "format": "binary", "contentMediaType": "application/pdf"},
        **UPLOAD_ID,
    },
}
"""The form of an upload, for the API description."""
