"""What goes over the wire about listening."""

from __future__ import annotations

from marshmallow import fields, validate

from autonomy_core.plugin_api.schemas import ApiSchema, Day, QuerySchema, Timestamp, WholeNumber

LONGEST_MS = 7 * 24 * 3600 * 1000


class PlayedSchema(ApiSchema):
    """That a track was heard."""

    played_at = Timestamp(
        load_default=None, metadata={"description": "when it began, in the last 30 days; by default now"}
    )


class StoppedSchema(ApiSchema):
    """Where a player is in a track."""

    position_ms = WholeNumber(
        required=True,
        validate=validate.Range(0, LONGEST_MS),
        metadata={"description": "milliseconds from the beginning"},
    )


class HeardTrackSchema(ApiSchema):
    """What a track is called."""

    id = fields.UUID(required=True)
    product_id = fields.UUID(required=True)
    title = fields.String(required=True)
    artist = fields.String(required=True, allow_none=True)
    duration_ms = fields.Integer(required=True, metadata={"description": "milliseconds"})


class PlaySchema(ApiSchema):
    """A track that the customer has heard."""

    track = fields.Nested(HeardTrackSchema, required=True)
    played_at = Timestamp(required=True, attribute="entry.played_at")


class PositionSchema(ApiSchema):
    """A track in which the customer stopped."""

    track = fields.Nested(HeardTrackSchema, required=True)
    position_ms = fields.Integer(
        required=True,
        attribute="entry.position_ms",
        metadata={"description": "milliseconds from the beginning"},
    )
    changed_at = Timestamp(required=True, attribute="entry.changed_at")


class FiguresQuery(QuerySchema):
    """The days that staff look at."""

    since = Day(
        load_default=None, metadata={"description": "the first day, in UTC; by default 29 before the last"}
    )
    until = Day(load_default=None, metadata={"description": "the last day, in UTC; by default today"})


class _FiguresSchema(ApiSchema):
    track_id = fields.UUID(required=True)
    plays = fields.Integer(required=True, metadata={"description": "what players reported as heard"})
    streams = fields.Integer(required=True, metadata={"description": "begun, heard or not"})
    downloads = fields.Integer(required=True, metadata={"description": "begun"})


class TrackDaySchema(_FiguresSchema):
    """The figures of a track and a day."""

    day = fields.Date(required=True, metadata={"description": "in UTC"})


class TrackTotalSchema(_FiguresSchema):
    """The figures of a track in all the days that staff look at."""

    title = fields.String(required=True)
    removed_at = Timestamp(
        required=True, allow_none=True, metadata={"description": "since when the product lacks the track"}
    )


class TrackFiguresSchema(ApiSchema):
    """The figures of the tracks of a product."""

    tracks = fields.List(
        fields.Nested(TrackTotalSchema),
        required=True,
        metadata={"description": "every track in its order, with 0 if nothing was heard of it"},
    )
    items = fields.List(
        fields.Nested(TrackDaySchema), required=True, metadata={"description": "by day and track"}
    )
    next = fields.String(required=True, allow_none=True, metadata={"description": "always null"})
