"""What goes over the wire about feeds."""

from __future__ import annotations

from marshmallow import fields, validate

from autonomy_core.plugin_api.media import FORMAT_NAME
from autonomy_core.plugin_api.schemas import ApiSchema, OpenQuery, Timestamp


class FeedSchema(ApiSchema):
    """A private feed of a product, for its owner."""

    id = fields.UUID(required=True)
    product_id = fields.UUID(required=True)
    title = fields.String(required=True, metadata={"description": "of the product"})
    created_at = Timestamp(required=True)
    used_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "when it was used last, within an hour; null if it was not"},
    )
    usable = fields.Boolean(
        required=True,
        metadata={"description": "whether its URLs open anything: false while you do not own the product"},
    )


class NewFeedSchema(FeedSchema):
    """A feed that was just made. The server keeps a hash, and cannot show the URLs again."""

    rss_url = fields.Url(required=True, metadata={"description": "for podcast players"})
    playlist_url = fields.Url(required=True, metadata={"description": "an M3U playlist, for other players"})


class FeedQuery(OpenQuery):
    """The query string of a feed's URLs."""

    token = fields.String(
        required=True,
        validate=validate.Regexp(r"^[A-Za-z0-9_-]{1,100}\Z"),
        metadata={"description": "of the feed"},
    )
    format = fields.String(
        load_default=None,
        validate=validate.Regexp(rf"^{FORMAT_NAME.pattern}\Z"),
        metadata={
            "description": "the name of a format. Another one is given if a track does not have it; by "
            "default one that podcast players play",
            "example": "flac",
        },
    )
