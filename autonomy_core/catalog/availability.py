"""Which products can be bought, as conditions of SQL: a list of products costs one statement, however many there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, not_, or_, select
from sqlalchemy.orm import aliased, selectinload, with_expression
from sqlalchemy.orm.attributes import set_committed_value

from autonomy_core.catalog.models import BUNDLE, BundleItem, Product
from autonomy_core.kernel.protocols import DeliveringKind, ProductKind
from autonomy_core.kernel.scope import TenantScope


def on_sale(scope: TenantScope) -> Select[Product]:
    """Select the products that customers see: those that they can buy."""
    return _with_items(select(Product)).where(purchasable(scope))


def every_product(scope: TenantScope, *, archived: bool = False) -> Select[Product]:
    """Select the products that staff see, with `Product.purchasable`.

    Args:
        archived: whether the archived ones are wanted, or the others.
    """
    statement = _with_items(select(Product)).options(with_expression(Product.purchasable, purchasable(scope)))
    return statement.where(Product.archived_at.is_not(None) if archived else Product.archived_at.is_(None))


def _with_items(statement: Select[Product]) -> Select[Product]:
    return statement.options(selectinload(Product.items))


def note_purchasable(scope: TenantScope, product: Product) -> Product:
    """Look whether a product can be bought, and set its `purchasable`."""
    scope.session.flush()
    known = scope.session.scalar(select(purchasable(scope)).where(Product.id == product.id))
    set_committed_value(product, "purchasable", bool(known))
    return product


def purchasable(scope: TenantScope) -> ColumnElement[bool]:
    """Whether a product is for sale: not withdrawn, not archived, and something would be delivered."""
    kinds = scope.runtime.product_kinds_for(scope.organisation).values()
    single = [kind for kind in kinds if kind.name != BUNDLE]
    delivered = or_(
        _delivered(scope, Product, single), and_(Product.kind == BUNDLE, _bundle_delivered(scope, single))
    )
    return and_(Product.active, Product.archived_at.is_(None), delivered)


def _delivered(scope: TenantScope, product: Any, kinds: Iterable[ProductKind]) -> ColumnElement[bool]:
    """Whether one of the kinds would deliver a product. Of a kind that cannot tell every product is delivered."""
    conditions: list[ColumnElement[bool]] = [false()]
    for kind in kinds:
        condition = product.kind == kind.name
        if isinstance(kind, DeliveringKind):
            condition = and_(condition, kind.has_something_to_deliver(scope, product))
        conditions.append(condition)
    return or_(*conditions)


def _bundle_delivered(scope: TenantScope, kinds: Iterable[ProductKind]) -> ColumnElement[bool]:
    """Whether a bundle has items, and each of them would be delivered. They need not be on sale themselves."""
    item = aliased(Product)
    items = (
        select(BundleItem.product_id)
        .join(item, (BundleItem.organisation_id == item.organisation_id) & (BundleItem.product_id == item.id))
        .where(BundleItem.organisation_id == Product.organisation_id, BundleItem.bundle_id == Product.id)
        .correlate(Product)
    )
    lacking = not_(and_(item.archived_at.is_(None), _delivered(scope, item, kinds)))
    return and_(exists(items), not_(exists(items.where(lacking))))
