"""When a track can be bought alone, and what it is a part of."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import aliased

from autonomy_core.plugin_api.catalog import Product, is_offered
from autonomy_core.plugin_api.protocols import PartOf
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.models import Track
from media_mp3.settings import TRACK_IMAGE


def is_deliverable(product: Any) -> ColumnElement[bool]:
    """The condition, in SQL, that visitors see the track of a product, and its release is on sale.

    Args:
        product: `Product` or an alias of it, with which a track is sold alone.
    """
    release = aliased(Product)
    return exists().where(
        Track.organisation_id == product.organisation_id,
        Track.single_id == product.id,
        Track.removed_at.is_(None),
        ~Track.hidden,
        release.organisation_id == Track.organisation_id,
        release.id == Track.product_id,
        is_offered(release),
    )


def obstacle_to_sale(scope: TenantScope, product_id: UUID) -> str | None:
    """Return why a track cannot be sold alone, in a sentence for staff; None if it can."""
    # Not at the driver: the condition contains the present moment, so it cannot be compiled once.
    deliverable = select(is_deliverable(Product)).where(Product.id == product_id)
    if scope.session.scalar(deliverable):
        return None
    return "The track was removed or hidden, or its release is not on sale."


def parts(scope: TenantScope, product_ids: Collection[UUID]) -> dict[UUID, PartOf]:
    """The releases to which products belong with which a track is sold alone."""
    statement = select(Track.single_id, Track.product_id, Track.id).where(Track.single_id.in_(product_ids))
    return {
        single_id: PartOf(release_id, (TRACK_IMAGE, track_id))
        for single_id, release_id, track_id in scope.session.execute(statement)
        if single_id is not None
    }
