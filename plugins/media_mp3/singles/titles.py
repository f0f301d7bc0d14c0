"""The title of a product with which a track is sold alone follows that of the track."""

from __future__ import annotations

from autonomy_core.plugin_api.catalog import change_product, find_product
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.models import Track


def rename_single(scope: TenantScope, track: Track, before: str, *, actor: str) -> None:
    """Give the product of a renamed track its title, unless staff gave the product another one.

    Args:
        before: the title of the track before.
        actor: the caller, for the audit trail.
    """
    product = None if track.single_id is None else find_product(scope, track.single_id)
    if product is not None and product.title == before != track.title:
        change_product(scope, product, {"title": track.title}, actor=actor)
