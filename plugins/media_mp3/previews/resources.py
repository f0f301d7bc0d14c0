"""The nodes of public tracks in the tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.request import Request

from autonomy_core.plugin_api.resources import Collection, ProductDetail, Resource
from media_mp3 import services
from media_mp3.models import Track


class PublicTrack(Resource):
    """``…/products/{product_id}/tracks/{track_id}``: a track that visitors see."""

    def __init__(self, request: Request, parent: Resource, name: str, track: Track) -> None:
        super().__init__(request, parent, name)
        self.track = track


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
