"""Why an upload is refused, or a change of a track."""

from __future__ import annotations

from typing import ClassVar

from autonomy_core.plugin_api.errors import Conflict, InvalidInput, Unavailable
from autonomy_core.plugin_api.schemas import findings_member


class NotPlayable(InvalidInput):
    """The inspection has findings; ``findings`` lists them, and the debugging guide explains them."""

    code, title = "not_playable", "The file is not a recording that plays everywhere"
    members: ClassVar = {"findings": findings_member("not_playable")}


class WrongKind(Conflict):
    """Only products of the kind ``mp3`` have tracks."""

    code, title = "not_an_mp3_product", "The product is of another kind"


class TrackExists(Conflict):
    """The product has a track with exactly these bytes."""

    code, title = "track_exists", "The product has this very file already"
    members: ClassVar = {
        "track_id": {
            "type": "string",
            "format": "uuid",
            "description": "with `track_exists`: the track it is",
        }
    }


class TooManyTracks(Conflict):
    """The product has as many tracks as it may have, those that were removed included."""

    code, title = "too_many_tracks", "The product has too many tracks"


class TrackRemoved(Conflict):
    """The call is not possible for a removed track."""

    code, title = "track_removed", "The track was removed"


class TracksDiffer(Conflict):
    """The order does not name each track of the product once.

    A track may have been added or removed meanwhile.
    """

    code, title = "tracks_differ", "These are not the product's tracks"


class InspectionBusy(Unavailable):
    """As many uploads are being inspected as the server allows."""

    code, title = "inspection_busy", "Too many uploads are being inspected"
