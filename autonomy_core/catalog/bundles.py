"""Bundles: products that consist of other products, and have one price."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select

from autonomy_core.catalog.models import BUNDLE, BundleItem, Product
from autonomy_core.errors import InvalidInput
from autonomy_core.kernel.scope import TenantScope


class UnknownProduct(InvalidInput):
    """A product that is named is none of the organisation's."""

    code, title = "unknown_product", "There is no such product"


class BundleRefused(InvalidInput):
    """What is to be put together cannot be."""

    code, title = "bundle_refused", "This cannot be a bundle"


class Bundle:
    """The kind of product that consists of others."""

    name = BUNDLE

    def obstacle_to_sale(self, scope: TenantScope, product_id: UUID) -> str | None:
        """A bundle is sold when it has items, and each of them could be delivered. They need not be on sale themselves."""
        items = items_of(scope, product_id)
        if not items:
            return "The bundle is empty; put at least one product into it."
        obstacles = (obstacle_of_item(scope, item) for item in items)
        return next((obstacle for obstacle in obstacles if obstacle is not None), None)


def obstacle_of_item(scope: TenantScope, item: Product) -> str | None:
    """Why a bundle with this product cannot be sold now, in a sentence for staff; None when it can."""
    kind = scope.runtime.product_kinds_for(scope.organisation).get(item.kind)
    if item.archived_at is not None:
        return f"{item.title!r}, which is in the bundle, is archived."
    if kind is None:
        return f"Nobody delivers {item.title!r}, which is in the bundle."
    obstacle = kind.obstacle_to_sale(scope, item.id)
    return obstacle and f"{item.title!r} is in the bundle: {obstacle}"


def items_of(scope: TenantScope, bundle_id: UUID) -> Sequence[Product]:
    """The products that a bundle consists of now, in their order; none of any other product."""
    statement = (
        select(Product)
        .join(
            BundleItem,
            (BundleItem.organisation_id == Product.organisation_id) & (BundleItem.product_id == Product.id),
        )
        .where(BundleItem.bundle_id == bundle_id)
    )
    return scope.session.scalars(statement.order_by(BundleItem.position)).all()


def replace_items(scope: TenantScope, bundle: Product, product_ids: Sequence[UUID]) -> None:
    """Say what a bundle consists of, for purchases that begin from now on.

    Raises:
        BundleRefused: the product is no bundle, one of the items is, or one is named twice.
        UnknownProduct: an item is none of the organisation's products.
    """
    _require_bundle_of(bundle, require_products(scope, product_ids), product_ids)
    # Of two changes at once the second replaces what the first has put there.
    scope.session.get(Product, (scope.organisation.id, bundle.id), with_for_update=True)
    scope.session.execute(delete(BundleItem).where(BundleItem.bundle_id == bundle.id))
    scope.session.add_all(
        BundleItem(
            organisation_id=scope.organisation.id, bundle_id=bundle.id, product_id=each, position=position
        )
        for position, each in enumerate(product_ids)
    )
    scope.session.flush()
    scope.session.expire(bundle, ["items"])


def _require_bundle_of(bundle: Product, items: Sequence[Product], product_ids: Sequence[UUID]) -> None:
    if bundle.kind != BUNDLE:
        raise BundleRefused(f"Only products of the kind {BUNDLE!r} have items; this is a {bundle.kind!r}.")
    if len(set(product_ids)) < len(product_ids):
        raise BundleRefused("A product is in it twice.")
    for item in items:
        if item.kind == BUNDLE:
            raise BundleRefused(f"{item.title!r} is itself a bundle.")


def require_products(scope: TenantScope, product_ids: Sequence[UUID]) -> Sequence[Product]:
    """The organisation's products of these ids.

    Raises:
        UnknownProduct: there is none of one of them.
    """
    found = scope.session.scalars(select(Product).where(Product.id.in_(product_ids))).all()
    missing = set(product_ids) - {product.id for product in found}
    if missing:
        raise UnknownProduct(f"There is no product {', '.join(sorted(map(str, missing)))}.")
    return found
