"""The plugin's nodes in the tree."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pyramid.request import Request

from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.resources import Collection, ProductNode, Resource
from autonomy_core.plugin_api.security import CUSTOMER, Allow, Permission
from media_mp3 import services
from media_mp3.models import Track


class ProductTracks(Resource):
    """A node for the tracks or the extras of the product above it."""

    @property
    def product(self) -> Product:
        """The product."""
        assert isinstance(self.__parent__, ProductNode)  # noqa: S101 - it is only below such nodes
        return self.__parent__.product


class CustomerProductTracks(ProductTracks):
    """``…/customers/products/{product_id}/tracks``: for a customer who owns the product."""


class AdminTrack(Resource):
    """``…/admin/products/{product_id}/tracks/{track_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, track: Track) -> None:
        super().__init__(request, parent, name)
        self.track = track


class AdminProductTracks(ProductTracks, Collection):
    """``…/admin/products/{product_id}/tracks``: for staff."""

    item = AdminTrack
    parameter = "track_id"

    def item_for(self, identifier: UUID, name: str) -> AdminTrack:
        """A track of the product; also a removed one."""
        track = services.find_track(self.scope, identifier)
        if track is None or track.product_id != self.product.id:
            raise KeyError(name)
        return AdminTrack(self.request, self, name, track)


class TrackNode(Resource):
    """``…/customers/tracks/{track_id}``: a track, for a customer or the holder of a link to this path."""

    def __init__(self, request: Request, parent: Resource, name: str, track: Track) -> None:
        super().__init__(request, parent, name)
        self.track = track

    def __acl__(self) -> Any:
        """The view finds out whether the listener owns the track."""
        listeners = (CUSTOMER, f"link:{self.request.path}")
        return [(Allow, principal, Permission.LISTEN) for principal in listeners]


class Tracks(Collection):
    """``…/customers/tracks``"""

    item = TrackNode
    parameter = "track_id"

    def item_for(self, identifier: UUID, name: str) -> TrackNode:
        """A track of the organisation."""
        track = services.find_track(self.scope, identifier)
        if track is None:
            raise KeyError(name)
        return TrackNode(self.request, self, name, track)
