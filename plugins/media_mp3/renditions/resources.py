"""The nodes of formats in the tree."""

from __future__ import annotations

from typing import ClassVar

from pyramid.request import Request

from autonomy_core.plugin_api.media import FORMAT_NAME
from autonomy_core.plugin_api.resources import Collection, Resource
from media_mp3.models import Track
from media_mp3.renditions import services
from media_mp3.renditions.services import FinishedFile
from media_mp3.resources import AdminTrack, TrackNode


class TrackFormat(Resource):
    """``…/customers/tracks/{track_id}/formats/{format}``: a finished rendition.

    Who may have it, `TrackNode` says: a link opens the path that it was made for, so it covers the format.
    """

    def __init__(
        self, request: Request, parent: Resource, name: str, track: Track, finished: FinishedFile
    ) -> None:
        super().__init__(request, parent, name)
        self.track, self.finished = track, finished


class TrackFormats(Collection):
    """``…/customers/tracks/{track_id}/formats``"""

    item = TrackFormat
    parameter = "format"
    identifier: ClassVar = {"type": "string", "pattern": f"^{FORMAT_NAME.pattern}$"}

    def identify(self, name: str) -> str | None:
        """The name of a format."""
        return name if FORMAT_NAME.fullmatch(name) else None

    def item_for(self, identifier: str, name: str) -> TrackFormat:  # type: ignore[override]
        """A finished rendition."""
        assert isinstance(self.__parent__, TrackNode)  # noqa: S101 - it is only below such nodes
        track = self.__parent__.track
        finished = services.finished_file(self.scope, track, identifier)
        if finished is None:
            raise KeyError(name)
        return TrackFormat(self.request, self, name, track, finished)


class AdminTrackFormat(Resource):
    """``…/admin/products/{product_id}/tracks/{track_id}/formats/{format}``: a finished rendition."""

    def __init__(
        self, request: Request, parent: Resource, name: str, track: Track, finished: FinishedFile
    ) -> None:
        super().__init__(request, parent, name)
        self.track, self.finished = track, finished


class AdminTrackFormats(Collection):
    """``…/admin/products/{product_id}/tracks/{track_id}/formats``: for staff."""

    item = AdminTrackFormat
    parameter = "format"
    identifier: ClassVar = TrackFormats.identifier
    identify = TrackFormats.identify

    @property
    def track(self) -> Track:
        """The track."""
        assert isinstance(self.__parent__, AdminTrack)  # noqa: S101 - it is only below such nodes
        return self.__parent__.track

    def item_for(self, identifier: str, name: str) -> AdminTrackFormat:  # type: ignore[override]
        """A finished rendition."""
        finished = services.finished_file(self.scope, self.track, identifier)
        if finished is None:
            raise KeyError(name)
        return AdminTrackFormat(self.request, self, name, self.track, finished)
