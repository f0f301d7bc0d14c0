"""The kinds of products that this plugin delivers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement

from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.protocols import ListedExtra, ListedFormat, ListedTrack, PartOf
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3 import services
from media_mp3.archives.services import listed_formats
from media_mp3.extras.services import listed_extras
from media_mp3.singles.availability import is_deliverable, obstacle_to_sale, parts


class Mp3:
    """A product that consists of MP3 recordings."""

    name = services.KIND

    def obstacle_to_sale(self, scope: TenantScope, product_id: UUID) -> str | None:
        """Return why a product without tracks cannot be sold. Stored tracks have passed the inspection."""
        if services.has_tracks(scope, product_id):
            return None
        return "The product has no tracks yet; upload at least one."

    def has_something_to_deliver(self, scope: TenantScope, product: type[Product]) -> ColumnElement[bool]:
        """Return the condition that the product has a track."""
        return services.has_track(product)

    def tracks_of(
        self, scope: TenantScope, product_ids: Collection[UUID]
    ) -> Mapping[UUID, Sequence[ListedTrack]]:
        """Return the tracks that visitors see."""
        return services.listed_tracks(scope, product_ids)

    def formats_of(
        self, scope: TenantScope, product_ids: Collection[UUID]
    ) -> Mapping[UUID, Sequence[ListedFormat]]:
        """Return the formats in which all tracks of each product may be had."""
        return listed_formats(scope, product_ids)

    def extras_of(
        self, scope: TenantScope, product_ids: Collection[UUID]
    ) -> Mapping[UUID, Sequence[ListedExtra]]:
        """Return the booklets and other files that come with the recordings."""
        return listed_extras(scope, product_ids)


class Single:
    """A product that is one track of a product of the kind `Mp3`."""

    name = services.SINGLE
    how_to_make = (
        "Upload the track to a product of the kind mp3, and sell it alone with POST "
        "admin/products/{product_id}/tracks/{track_id}/single."
    )

    def obstacle_to_sale(self, scope: TenantScope, product_id: UUID) -> str | None:
        """Return why the track cannot be sold alone."""
        return obstacle_to_sale(scope, product_id)

    def has_something_to_deliver(self, scope: TenantScope, product: type[Product]) -> ColumnElement[bool]:
        """Return the condition that the track is in its release, and the release is on sale."""
        return is_deliverable(product)

    def tracks_of(
        self, scope: TenantScope, product_ids: Collection[UUID]
    ) -> Mapping[UUID, Sequence[ListedTrack]]:
        """Return the track of each product."""
        return services.listed_tracks(scope, product_ids, of_singles=True)

    def formats_of(
        self, scope: TenantScope, product_ids: Collection[UUID]
    ) -> Mapping[UUID, Sequence[ListedFormat]]:
        """Return the formats in which the track of each product may be had."""
        return listed_formats(scope, product_ids, of_singles=True)

    def wholes_of(self, scope: TenantScope, product_ids: Collection[UUID]) -> Mapping[UUID, PartOf]:
        """Return the releases."""
        return parts(scope, product_ids)
