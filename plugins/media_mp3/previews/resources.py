"""The nodes of public tracks in the tree."""

from __future__ import annotations

from uuid import UUID

from autonomy_core.plugin_api.resources import Collection, ProductDetail
from media_mp3 import services
from media_mp3.resources import OfTrack


class PublicTrack(OfTrack):
    """``…/products/{product_id}/tracks/{track_id}``: a track that visitors see."""


class PublicTracks(Collection):
    """``…/products/{product_id}/tracks``: of a product that visitors see."""

    item = PublicTrack
    parameter = "track_id"

    def item_for(self, identifier: UUID, name: str) -> PublicTrack:
        """A track of the product that is neither removed nor hidden."""
        assert isinstance(self.__parent__, ProductDetail)  # noqa: S101 - it is only below such nodes
        track = services.find_track(self.scope, identifier)
        if track is None or track.product_id != self.__parent__.product.id:
            raise KeyError(name)
        if track.removed_at is not None or track.hidden:
            raise KeyError(name)
        return PublicTrack(self.request, self, name, track)
