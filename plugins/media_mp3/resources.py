"""The plugin's nodes in the tree."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from pyramid.request import Request

from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.media import FORMAT_NAME
from autonomy_core.plugin_api.resources import Collection, ProductNode, Resource
from autonomy_core.plugin_api.security import CUSTOMER, Allow, Permission
from media_mp3 import services
from media_mp3.models import Track


class OfProduct(Resource):
    """A node of what belongs to the product above it: tracks, extras, archives, a feed."""

    @property
    def product(self) -> Product:
        """The product.

        Raises:
            NotFound: the organisation has no product with this id.
        """
        assert isinstance(self.__parent__, ProductNode)  # noqa: S101 - it is only below such nodes
        return self.__parent__.product


class OfTrack(Resource):
    """A node of a track."""

    def __init__(self, request: Request, parent: Resource, name: str, track: Track) -> None:
        super().__init__(request, parent, name)
        self.track = track


class Linked(Resource):
    """A node that a customer or the holder of a link to its path opens. The view finds out who owns it."""

    def __acl__(self) -> Any:
        """Who may ask."""
        listeners = (CUSTOMER, f"link:{self.request.path}")
        return [(Allow, principal, Permission.LISTEN) for principal in listeners]


class ByFormat(Collection):
    """A collection whose items are named by formats."""

    parameter = "format"
    identifier: ClassVar = {"type": "string", "pattern": f"^{FORMAT_NAME.pattern}$"}

    def identify(self, name: str) -> str | None:
        """The name of a format."""
        return name if FORMAT_NAME.fullmatch(name) else None


class CustomerProductTracks(OfProduct):
    """``…/customers/products/{product_id}/tracks``: for a customer who owns the product."""


class AdminTrack(OfTrack):
    """``…/admin/products/{product_id}/tracks/{track_id}``"""


class AdminProductTracks(OfProduct, Collection):
    """``…/admin/products/{product_id}/tracks``: for staff."""

    item = AdminTrack
    parameter = "track_id"

    def item_for(self, identifier: UUID, name: str) -> AdminTrack:
        """A track of the product; also a removed one."""
        track = services.find_track(self.scope, identifier)
        if track is None or track.product_id != self.product.id:
            raise KeyError(name)
        return AdminTrack(self.request, self, name, track)


class TrackNode(OfTrack, Linked):
    """``…/customers/tracks/{track_id}``: a track, for a customer or the holder of a link to this path."""


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
