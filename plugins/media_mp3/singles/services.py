"""Use cases of tracks that are sold alone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from autonomy_core.plugin_api.audit import change
from autonomy_core.plugin_api.catalog import create_product, find_product
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.editing import locked_track, record_track
from media_mp3.errors import TrackRemoved
from media_mp3.models import Track
from media_mp3.services import SINGLE
from media_mp3.singles.errors import SingleExists


def sell_alone(
    scope: TenantScope, product_id: UUID, track_id: UUID, values: dict[str, Any], *, actor: str
) -> Track:
    """Make a product of a track, with which it can be bought alone.

    Args:
        values: what `NewSingleSchema` loads.
        actor: the caller, for the audit trail.

    Raises:
        SingleExists, TrackRemoved, PriceRefused, PricesContradict
        NotFound: the track was deleted in the meantime.
    """
    track = locked_track(scope, product_id, track_id)
    if track.single_id is not None:
        known = str(track.single_id)
        raise SingleExists(f"Change the product {known} instead.", extra={"product_id": known})
    if track.removed_at is not None:
        raise TrackRemoved("A track that was removed is not sold.")
    release = find_product(scope, product_id)
    assert release is not None  # noqa: S101 - for the type checker: the track refers to it
    described = {"title": track.title, "description": "", "kind": SINGLE, "explicit": track.explicit}
    artist = track.artist or release.shown.artist
    single = create_product(scope, {**described, "artist": artist, **values}, actor=actor)
    track.single_id = single.id
    scope.session.flush()
    detail = change({"single_id": None}, {"single_id": single.id})
    record_track(scope, "track.changed", track, actor, detail)
    return track
