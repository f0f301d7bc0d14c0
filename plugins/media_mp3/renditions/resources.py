"""The nodes of formats in the tree."""

from __future__ import annotations

from typing import ClassVar

from pyramid.request import Request

from autonomy_core.plugin_api.resources import Resource
from media_mp3.models import Track
from media_mp3.renditions import services
from media_mp3.renditions.services import FinishedFile
from media_mp3.resources import ByFormat, OfTrack


class FinishedFormat(Resource):
    """A finished rendition."""

    def __init__(
        self, request: Request, parent: Resource, name: str, track: Track, finished: FinishedFile
    ) -> None:
        super().__init__(request, parent, name)
        self.track, self.finished = track, finished


class Formats(ByFormat):
    """The finished renditions of the track above it."""

    item: ClassVar[type[FinishedFormat]]

    @property
    def track(self) -> Track:
        """The track."""
        assert isinstance(self.__parent__, OfTrack)  # noqa: S101 - it is only below such nodes
        return self.__parent__.track

    def item_for(self, identifier: str, name: str) -> FinishedFormat:  # type: ignore[override]
        """A finished rendition."""
        finished = services.finished_file(self.scope, self.track, identifier)
        if finished is None:
            raise KeyError(name)
        return self.item(self.request, self, name, self.track, finished)


class TrackFormat(FinishedFormat):
    """``…/customers/tracks/{track_id}/formats/{format}``: a finished rendition.

    Who may have it, `TrackNode` says: a link opens the path that it was made for, so it covers the format.
    """


class TrackFormats(Formats):
    """``…/customers/tracks/{track_id}/formats``"""

    item = TrackFormat


class AdminTrackFormat(FinishedFormat):
    """``…/admin/products/{product_id}/tracks/{track_id}/formats/{format}``: a finished rendition."""


class AdminTrackFormats(Formats):
    """``…/admin/products/{product_id}/tracks/{track_id}/formats``: for staff."""

    item = AdminTrackFormat
