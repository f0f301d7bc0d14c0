"""Loads the public content of a product, and of the products of a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from autonomy_core.catalog.models import Product
from autonomy_core.catalog.parts import load_sales
from autonomy_core.catalog.tracks import ShownTrack
from autonomy_core.kernel.listing import (
    ExtrasKind,
    ListedExtra,
    ListedFormat,
    ListedTrack,
    ListingKind,
    WholeKind,
)
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope, forbid_commit


def load_tracks(scope: TenantScope, product: Product, root: str) -> Product:
    """Set `tracks`, `formats` and `extras` of a product and of its items, and return it.

    Each kind is asked once.

    Args:
        scope: the scope of the organisation.
        product: the product.
        root: the URL of the API by which the client came, with a slash at the end.
    """
    products = (product, *product.items)
    by_kind: dict[str, list[UUID]] = {}
    for each in products:
        by_kind.setdefault(each.kind, []).append(each.id)
    kinds = runtime_of(scope).product_kinds_for(scope.organisation)
    for name, product_ids in by_kind.items():
        kind = kinds.get(name)
        tracks: Mapping[UUID, Sequence[ListedTrack]] = {}
        formats: Mapping[UUID, Sequence[ListedFormat]] = {}
        extras: Mapping[UUID, Sequence[ListedExtra]] = {}
        with forbid_commit(scope):
            if isinstance(kind, ListingKind):
                tracks = kind.tracks_of(scope, product_ids)
            if isinstance(kind, WholeKind):
                formats = kind.formats_of(scope, product_ids)
            if isinstance(kind, ExtrasKind):
                extras = kind.extras_of(scope, product_ids)
        for each in products:
            if each.kind == name:
                each.tracks = [ShownTrack.of(track, root) for track in tracks.get(each.id, ())]
                each.formats = formats.get(each.id, ())
                each.extras = extras.get(each.id, ())
    load_sales(scope, products)
    return product
