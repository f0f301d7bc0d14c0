"""Finds the covers of tracks."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from autonomy_core.plugin_api.images import CurrentImage, images_of
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.models import Track
from media_mp3.settings import PRODUCT_IMAGE, TRACK_IMAGE


def covers_of(
    scope: TenantScope, tracks: Sequence[Track]
) -> tuple[CurrentImage | None, dict[UUID, CurrentImage]]:
    """Return the cover of the product of some tracks, and the tracks' own, by the track's id."""
    of_product = images_of(scope, PRODUCT_IMAGE, {track.product_id for track in tracks})
    return next(iter(of_product.values()), None), dict(
        images_of(scope, TRACK_IMAGE, [track.id for track in tracks])
    )
