"""The nodes of covers in the tree."""

from __future__ import annotations

from autonomy_core.plugin_api.resources import Resource
from media_mp3.models import Track
from media_mp3.resources import AdminTrack


class AdminTrackCover(Resource):
    """``…/admin/products/{product_id}/tracks/{track_id}/cover``"""

    @property
    def track(self) -> Track:
        """The track above it."""
        assert isinstance(self.__parent__, AdminTrack)  # noqa: S101 - it is only below such nodes
        return self.__parent__.track
