"""The kind of product that this plugin delivers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement

from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.protocols import ListedFormat, ListedTrack
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3 import services
from media_mp3.archives.services import listed_formats


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
