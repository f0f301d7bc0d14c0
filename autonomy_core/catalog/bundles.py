"""Bundles: products that consist of other products, and have one price."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select

from autonomy_core.catalog.availability import is_awaited
from autonomy_core.catalog.models import BUNDLE, BundleItem, Product
from autonomy_core.errors import InvalidInput
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope, forbid_commit


class UnknownProduct(InvalidInput):
    """The organisation has no product with a given id."""

    code, title = "unknown_product", "There is no such product"


class BundleRefused(InvalidInput):
    """The given products cannot form a bundle."""

    code, title = "bundle_refused", "This cannot be a bundle"


class Bundle:
    """The product kind of bundles."""

    name = BUNDLE

    def obstacle_to_sale(self, scope: TenantScope, product_id: UUID) -> str | None:
        """Return why the bundle cannot be sold: it is empty, or an item cannot be delivered.

        Items need not be on sale.
        """
        items = items_of(scope, product_id)
        if not items:
            return "The bundle is empty; put at least one product into it."
        obstacles = (obstacle_of_item(scope, item) for item in items)
        return next((obstacle for obstacle in obstacles if obstacle is not None), None)


def obstacle_of_item(scope: TenantScope, item: Product) -> str | None:
    """Return why a bundle with this product cannot be sold now, in a sentence for staff; None if it can."""
    kind = runtime_of(scope).product_kinds_for(scope.organisation).get(item.kind)
    if item.archived_at is not None:
        return f"{item.title!r}, which is in the bundle, is archived."
    if is_awaited(item):
        return f"{item.title!r}, which is in the bundle, is not released yet and takes no pre-orders."
    if kind is None:
        return f"No plugin delivers {item.title!r}, which is in the bundle."
    with forbid_commit(scope):
        obstacle = kind.obstacle_to_sale(scope, item.id)
    return obstacle and f"{item.title!r} is in the bundle: {obstacle}"


def items_of(scope: TenantScope, bundle_id: UUID) -> Sequence[Product]:
    """Return the current products of a bundle, in their order; empty for any other product."""
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
    """Set the products of a bundle, for purchases that begin later.

    Args:
        scope: the scope of the organisation.
        bundle: the bundle.
        product_ids: the ids of its products, in their order.

    Raises:
        BundleRefused: the product is no bundle, an item is a bundle, or an item is named twice.
        UnknownProduct: the organisation has no product with one of the ids.
    """
    _require_bundle_of(bundle, require_products(scope, product_ids), product_ids)
    # Lock the bundle, so that of two concurrent changes the second replaces the items of the first.
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
    """Return the organisation's products with these ids.

    Raises:
        UnknownProduct: one of them does not exist.
    """
    found = scope.session.scalars(select(Product).where(Product.id.in_(product_ids))).all()
    missing = set(product_ids) - {product.id for product in found}
    if missing:
        raise UnknownProduct(f"There is no product {', '.join(sorted(map(str, missing)))}.")
    return found
