"""Loads the public tracks and formats of a product, and of the products of a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urljoin
from uuid import UUID

from autonomy_core.catalog.models import Product
from autonomy_core.kernel.listing import ListedTrack, ListingKind, WholeKind
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope, forbid_commit


def load_tracks(scope: TenantScope, product: Product, root: str) -> Product:
    """Set `tracks` and `formats` of a product and of its items, and return it. Each kind is asked once.

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
        if isinstance(kind, ListingKind):
            with forbid_commit(scope):
                found = kind.tracks_of(scope, product_ids)
            for each in products:
                if each.kind == name:
                    each.tracks = _with_urls(found.get(each.id, ()), root)
        if isinstance(kind, WholeKind):
            with forbid_commit(scope):
                formats = kind.formats_of(scope, product_ids)
            for each in products:
                if each.kind == name:
                    each.formats = formats.get(each.id, ())
    return product


def _with_urls(tracks: Sequence[ListedTrack], root: str) -> Sequence[ListedTrack]:
    return [
        replace(each, preview_url=urljoin(root, each.preview_url)) if each.preview_url else each
        for each in tracks
    ]
