"""Which products are seen and can be bought, as SQL conditions: a list of any length needs one statement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, Exists, Select, and_, exists, false, not_, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload, with_expression
from sqlalchemy.orm.attributes import set_committed_value

from autonomy_core.catalog.models import BUNDLE, ArchivedProduct, BundleItem, Product, ProductDetails
from autonomy_core.db.base import utcnow
from autonomy_core.errors import NotAllowed
from autonomy_core.kernel.protocols import DeliveringKind, ProductKind
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope


class NotAvailableYet(NotAllowed):
    """The customer owns the product, which is released later."""

    code, title = "not_available_yet", "The product is not released yet"
    members: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "available_at": {
            "type": "string",
            "format": "date-time",
            "description": "with `not_available_yet`: the moment of the release",
        }
    }


def on_sale(scope: TenantScope) -> Select[Product]:
    """Select the products that customers see, with `Product.purchasable`.

    They are published and have something to deliver. One that is announced for a later day, without
    pre-orders, is seen and cannot be bought yet.
    """
    return with_details(select(Product), ~_awaited(Product)).where(visible(scope))


def every_product(scope: TenantScope, condition: ColumnElement[bool]) -> Select[Product]:
    """Select products that staff see, with `Product.purchasable`.

    Args:
        scope: the scope of the organisation.
        condition: which products.
    """
    return with_details(select(Product), purchasable(scope)).where(condition)


def with_details(statement: Select[Product], can_be_bought: ColumnElement[bool]) -> Select[Product]:
    """Load with the products what their answers show.

    Args:
        statement: selects products.
        can_be_bought: the condition that becomes `Product.purchasable`.
    """
    return statement.options(
        joinedload(Product.details),
        selectinload(Product.items).joinedload(Product.details),
        with_expression(Product.purchasable, can_be_bought),
    )


def load_purchasable(scope: TenantScope, product: Product) -> Product:
    """Query whether a product can be bought, set its `purchasable`, and return the product."""
    scope.session.flush()
    known = scope.session.scalar(select(purchasable(scope)).where(Product.id == product.id))
    set_committed_value(product, "purchasable", bool(known))
    return product


def purchasable(scope: TenantScope) -> ColumnElement[bool]:
    """The condition that a product is for sale: `visible`, and released or open for pre-orders."""
    return and_(visible(scope), ~_awaited(Product))


def visible(scope: TenantScope) -> ColumnElement[bool]:
    """The condition that customers see a product: it is published, and has something to deliver."""
    kinds = runtime_of(scope).product_kinds_for(scope.organisation).values()
    single = [kind for kind in kinds if kind.name != BUNDLE]
    delivered = or_(
        _delivered(scope, Product, single), and_(Product.kind == BUNDLE, _bundle_delivered(scope, single))
    )
    return and_(_published(Product), delivered)


def is_offered(product: Any) -> ColumnElement[bool]:
    """The condition that a product is published, and released or open for pre-orders.

    It says nothing of what the product delivers. So a kind may use it for products that its own depend on.

    Args:
        product: `Product` or an alias of it.
    """
    return and_(_published(product), ~_awaited(product))


def _published(product: Any) -> ColumnElement[bool]:
    scheduled = _details_of(product).where(ProductDetails.published_at > utcnow())
    return and_(product.active, ~is_archived(product), ~scheduled)


def is_archived(product: Any) -> Exists:
    """The condition that a product is archived.

    PostgreSQL supposes that ``archived_at IS NULL`` holds for one product in two hundred, and then chooses
    plans that are slow for many products.

    Args:
        product: `Product` or an alias of it.
    """
    return exists().where(
        ArchivedProduct.organisation_id == product.organisation_id, ArchivedProduct.product_id == product.id
    )


def _awaited(product: Any) -> ColumnElement[bool]:
    """The condition that a product is released later, and not sold before. Compare `is_awaited`."""
    not_sold = and_(ProductDetails.released_at > utcnow(), ~ProductDetails.preorder)
    return _details_of(product).where(not_sold)


def is_awaited(product: Product) -> bool:
    """Return whether a product is released later, and not sold before."""
    return product.available_at is not None and not product.shown.preorder


def require_available(scope: TenantScope, product_id: UUID) -> None:
    """Check that the owners of a product get its content now.

    Plugins call it before they deliver to a customer. Staff get everything at any time.

    Raises:
        NotAvailableYet: the product is released later.
    """
    moment = available_at(scope, product_id)
    if moment is not None:
        shown = moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
        raise NotAvailableYet(extra={"available_at": shown})


def available_at(scope: TenantScope, product_id: UUID) -> datetime | None:
    """Return the moment in the future from which owners get a product's content; None if they get it now."""
    later = select(ProductDetails.released_at).where(
        ProductDetails.product_id == product_id, ProductDetails.released_at > utcnow()
    )
    return scope.session.scalar(later)


def later_releases(scope: TenantScope, product_ids: Collection[UUID]) -> list[tuple[str, datetime]]:
    """Return those of some products that are released later, as title and moment, the first one first."""
    details = and_(
        ProductDetails.organisation_id == Product.organisation_id, ProductDetails.product_id == Product.id
    )
    later = (
        select(Product.title, ProductDetails.released_at)
        .join(ProductDetails, details)
        .where(Product.id.in_(product_ids), ProductDetails.released_at > utcnow())
        .order_by(ProductDetails.released_at, Product.title)
    )
    return [(row.title, row.released_at) for row in scope.session.execute(later)]


def _details_of(product: Any) -> Exists:
    return exists().where(
        ProductDetails.organisation_id == product.organisation_id, ProductDetails.product_id == product.id
    )


def _delivered(scope: TenantScope, product: Any, kinds: Iterable[ProductKind]) -> ColumnElement[bool]:
    """The condition that a kind delivers the product. A kind without `DeliveringKind` always delivers."""
    conditions: list[ColumnElement[bool]] = [false()]
    for kind in kinds:
        condition = product.kind == kind.name
        if isinstance(kind, DeliveringKind):
            condition = and_(condition, kind.has_something_to_deliver(scope, product))
        conditions.append(condition)
    return or_(*conditions)


def _bundle_delivered(scope: TenantScope, kinds: Iterable[ProductKind]) -> ColumnElement[bool]:
    """The condition that a bundle has items and each can be delivered. Compare `bundles.obstacle_of_item`.

    Items need not be on sale themselves. But one that is released later must be open for pre-orders.
    """
    item = aliased(Product)
    items = (
        select(BundleItem.product_id)
        .join(item, (BundleItem.organisation_id == item.organisation_id) & (BundleItem.product_id == item.id))
        .where(BundleItem.organisation_id == Product.organisation_id, BundleItem.bundle_id == Product.id)
        .correlate(Product)
    )
    lacking = not_(and_(~is_archived(item), ~_awaited(item), _delivered(scope, item, kinds)))
    return and_(exists(items), not_(exists(items.where(lacking))))
