"""Use cases of the catalogue."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.audit.services import record
from autonomy_core.catalog.availability import on_sale
from autonomy_core.catalog.bundles import replace_items
from autonomy_core.catalog.models import ArchivedProduct, Product
from autonomy_core.db.base import utcnow
from autonomy_core.errors import Conflict, InvalidInput
from autonomy_core.kernel.protocols import ProductKind
from autonomy_core.kernel.scope import TenantScope


class UnknownKind(InvalidInput):
    """None of the organisation's plugins delivers products of this kind."""

    code, title = "unknown_kind", "No plugin of this organisation delivers this kind of product"


class PriceRefused(InvalidInput):
    """The organisation's payment provider would not collect this price."""

    code, title = "price_refused", "This price cannot be collected"


class NotForSale(Conflict):
    """The product cannot be sold now: withdrawn, or not yet complete."""

    code, title = "not_for_sale", "The product is not for sale"


def find_product(scope: TenantScope, product_id: UUID) -> Product | None:
    """A product of this organisation, or None."""
    return scope.session.get(Product, (scope.organisation.id, product_id))


def find_on_sale(scope: TenantScope, product_id: UUID) -> Product | None:
    """A product that customers can buy, or None."""
    return scope.session.scalars(on_sale(scope).where(Product.id == product_id)).one_or_none()


def kind_of(scope: TenantScope, name: str) -> ProductKind | None:
    """What the organisation's plugins know about a kind of product, or None."""
    return scope.runtime.product_kinds_for(scope.organisation).get(name)


def create_product(scope: TenantScope, values: dict[str, Any], *, actor: str) -> Product:
    """Make a product, in the organisation's currency unless another is given.

    Args:
        values: its columns, and ``item_ids`` where it is a bundle.

    Raises:
        UnknownKind: nobody could deliver it.
        PriceRefused: nobody would collect its price.
        BundleRefused, UnknownProduct: see `replace_items`.
    """
    if kind_of(scope, values["kind"]) is None:
        raise UnknownKind(f"There is no plugin for {values['kind']!r} here.")
    values = {"currency": scope.organisation.currency, **values}
    item_ids = values.pop("item_ids", None)
    _require_collectable(scope, values["amount"], values["currency"])
    product = Product(organisation_id=scope.organisation.id, **values)
    scope.session.add(product)
    scope.session.flush()
    if item_ids is not None:
        replace_items(scope, product, item_ids)
    _record(scope, "product.created", product, actor)
    return product


def change_product(scope: TenantScope, product: Product, changes: dict[str, Any], *, actor: str) -> Product:
    """Change what is given, leave the rest.

    Raises:
        PriceRefused: nobody would collect the new price.
        BundleRefused, UnknownProduct: see `replace_items`.
    """
    _require_collectable(scope, changes.get("amount", 0), product.currency)
    for name in changes.keys() - {"item_ids", "archived"}:
        setattr(product, name, changes[name])
    if "archived" in changes:
        _archive(scope, product, archived=changes["archived"])
    scope.session.flush()
    if "item_ids" in changes:
        replace_items(scope, product, changes["item_ids"])
    _record(scope, "product.changed", product, actor, {"fields": sorted(changes)})
    return product


def _archive(scope: TenantScope, product: Product, *, archived: bool) -> None:
    values = {"organisation_id": scope.organisation.id, "product_id": product.id, "archived_at": utcnow()}
    if archived:
        # Of two calls at once the second finds it done.
        scope.session.execute(insert(ArchivedProduct).values(values).on_conflict_do_nothing())
    else:
        scope.session.execute(delete(ArchivedProduct).where(ArchivedProduct.product_id == product.id))
    scope.session.expire(product, ["archived_at"])


def _require_collectable(scope: TenantScope, amount: int, currency: str) -> None:
    provider = scope.runtime.payment_provider_for(scope.organisation)
    if amount and provider is not None:
        problem = provider.price_problem(scope.organisation, amount, currency)
        if problem is not None:
            raise PriceRefused(problem)


def _record(
    scope: TenantScope, action: str, product: Product, actor: str, detail: dict[str, Any] | None = None
) -> None:
    target = f"product:{product.id}"
    record(scope.session, scope.organisation.id, actor=actor, action=action, target=target, detail=detail)


def require_for_sale(scope: TenantScope, product: Product) -> None:
    """Make sure that the product can be sold now.

    Raises:
        NotForSale: it is withdrawn or archived, nobody delivers its kind any more, or it is not complete.
    """
    kind = kind_of(scope, product.kind)
    if not product.active or product.archived_at is not None or kind is None:
        raise NotForSale("The product is not on sale.")
    obstacle = kind.obstacle_to_sale(scope, product.id)
    if obstacle is not None:
        raise NotForSale(obstacle)
