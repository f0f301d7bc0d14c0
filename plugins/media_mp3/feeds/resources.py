"""The nodes of feeds in the tree."""

from __future__ import annotations

from uuid import UUID

from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.resources import Collection, CustomerProduct, Resource


class ProductFeed(Resource):
    """``…/customers/products/{product_id}/feed``: for a customer who owns the product."""

    @property
    def product(self) -> Product:
        """The product.

        Raises:
            NotFound: the organisation has no product with this id.
        """
        assert isinstance(self.__parent__, CustomerProduct)  # noqa: S101 - it is only below such nodes
        return self.__parent__.product


class OwnFeed(Resource):
    """``…/customers/feeds/{feed_id}``: the view's service finds out whether it is the customer's."""

    @property
    def feed_id(self) -> UUID:
        """The id in the URL."""
        return UUID(self.__name__)


class OwnFeeds(Collection):
    """``…/customers/feeds``"""

    item = OwnFeed
    parameter = "feed_id"

    def item_for(self, identifier: UUID, name: str) -> OwnFeed:
        """The feed with any id."""
        return OwnFeed(self.request, self, name)


class OpenFeed(Resource):
    """``…/feeds/{feed_id}``: for players, which have a token. The views' service verifies it."""

    @property
    def feed_id(self) -> UUID:
        """The id in the URL."""
        return UUID(self.__name__)


class OpenFeeds(Collection):
    """``…/feeds``"""

    item = OpenFeed
    parameter = "feed_id"

    def item_for(self, identifier: UUID, name: str) -> OpenFeed:
        """The feed with any id."""
        return OpenFeed(self.request, self, name)


class FeedTrack(Resource):
    """``…/feeds/{feed_id}/tracks/{track_id}``: a track, for the same players."""

    @property
    def track_id(self) -> UUID:
        """The id in the URL."""
        return UUID(self.__name__)

    @property
    def feed_id(self) -> UUID:
        """That of the feed."""
        assert isinstance(self.__parent__, FeedTracks)  # noqa: S101 - it is only below such nodes
        assert isinstance(self.__parent__.__parent__, OpenFeed)  # noqa: S101
        return self.__parent__.__parent__.feed_id


class FeedTracks(Collection):
    """``…/feeds/{feed_id}/tracks``"""

    item = FeedTrack
    parameter = "track_id"

    def item_for(self, identifier: UUID, name: str) -> FeedTrack:
        """The track with any id."""
        return FeedTrack(self.request, self, name)
