"""Products that are parts of other products, such as single tracks of a release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import Select

from autonomy_core.catalog.availability import on_sale
from autonomy_core.catalog.models import Product
from autonomy_core.kernel.listing import PartKind, PartOf
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope, forbid_commit


def _part_kinds(scope: TenantScope) -> Mapping[str, PartKind]:
    kinds = runtime_of(scope).product_kinds_for(scope.organisation)
    return {name: kind for name, kind in kinds.items() if isinstance(kind, PartKind)}


def listed(scope: TenantScope) -> Select[Product]:
    """Select the products that the list for customers has: those of `on_sale` that are no parts."""
    names = sorted(_part_kinds(scope))
    products = on_sale(scope)
    return products.where(Product.kind.not_in(names)) if names else products


def parts_of(scope: TenantScope, products: Iterable[Product]) -> Mapping[UUID, PartOf]:
    """Return which of some products are parts, by their ids. Each kind of parts is asked once."""
    by_kind: dict[str, list[UUID]] = {}
    for product in products:
        by_kind.setdefault(product.kind, []).append(product.id)
    found: dict[UUID, PartOf] = {}
    kinds = _part_kinds(scope)
    for name in kinds.keys() & by_kind.keys():
        with forbid_commit(scope):
            found.update(kinds[name].wholes_of(scope, by_kind[name]))
    return found


def load_sales(scope: TenantScope, products: Sequence[Product]) -> None:
    """Set the `sale` of the tracks of products, in one query."""
    product_ids = {track.product_id for each in products for track in each.tracks if track.product_id}
    if not product_ids:
        return
    sold = scope.session.scalars(on_sale(scope).where(Product.id.in_(product_ids))).unique()
    found = {product.id: product for product in sold}
    for each in products:
        each.tracks = [
            replace(track, sale=found.get(track.product_id)) if track.product_id else track
            for track in each.tracks
        ]
