"""Services of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.audit.services import change, record
from autonomy_core.catalog.availability import is_awaited, on_sale
from autonomy_core.catalog.bundles import replace_items
from autonomy_core.catalog.details import FIELDS, change_details, product_of_slug, value_of
from autonomy_core.catalog.domain import State, is_slug
from autonomy_core.catalog.models import ArchivedProduct, Product
from autonomy_core.db.base import utcnow
from autonomy_core.errors import Conflict, InvalidInput
from autonomy_core.kernel.listing import DerivedKind
from autonomy_core.kernel.product_events import ProductChanged
from autonomy_core.kernel.protocols import ProductKind
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope, forbid_commit
from autonomy_core.prices.services import OF_PRICES, keep_prices


class UnknownKind(InvalidInput):
    """No plugin of the organisation delivers products of this kind."""

    code, title = "unknown_kind", "No plugin of this organisation delivers this kind of product"


class KindNotMadeHere(InvalidInput):
    """The plugin of the kind makes such products from something else, with a call of its own."""

    code, title = "kind_not_made_here", "Products of this kind are made by another call"


class NotForSale(Conflict):
    """The product cannot be sold now: it is withdrawn or incomplete."""

    code, title = "not_for_sale", "The product is not for sale"


def find_product(scope: TenantScope, product_id: UUID) -> Product | None:
    """Return a product of this organisation, or None."""
    return scope.session.get(Product, (scope.organisation.id, product_id))


def find_on_sale(scope: TenantScope, product_id: UUID) -> Product | None:
    """Return a product that customers can see, or None."""
    return scope.session.scalars(on_sale(scope).where(Product.id == product_id)).one_or_none()


def find_by_slug(scope: TenantScope, slug: str) -> Product | None:
    """Return a product that customers can see by its slug or a former one, or None."""
    product_id = product_of_slug(scope, slug) if is_slug(slug) else None
    return None if product_id is None else find_on_sale(scope, product_id)


def kind_of(scope: TenantScope, name: str) -> ProductKind | None:
    """Return a product kind that an enabled plugin or the core provides, or None."""
    return runtime_of(scope).product_kinds_for(scope.organisation).get(name)


def create_for_staff(scope: TenantScope, values: dict[str, Any], *, actor: str) -> Product:
    """Create a product of a kind that staff choose.

    Args:
        scope, values, actor: see `create_product`.

    Raises:
        KindNotMadeHere: the kind's products are made otherwise; the message says how.
        SlugTaken, UnknownKind, PriceRefused, PricesContradict, BundleRefused, UnknownProduct
    """
    kind = kind_of(scope, values["kind"])
    if isinstance(kind, DerivedKind):
        raise KindNotMadeHere(kind.how_to_make)
    return create_product(scope, values, actor=actor)


def create_product(scope: TenantScope, values: dict[str, Any], *, actor: str) -> Product:
    """Create a product.

    Args:
        scope: the scope of the organisation.
        values: the columns, `details.FIELDS`, `OF_PRICES`, and ``item_ids`` for a bundle. The default
            currency is the organisation's.
        actor: the caller, for the audit trail.

    Raises:
        SlugTaken: another product has or had the slug.
        UnknownKind: no plugin of the organisation delivers this kind.
        PriceRefused, PricesContradict: see `keep_prices`.
        BundleRefused, UnknownProduct: see `replace_items`.
    """
    if kind_of(scope, values["kind"]) is None:
        raise UnknownKind(f"There is no plugin for {values['kind']!r} here.")
    values = {"currency": scope.organisation.currency, **values}
    names = {"slug", *values}
    item_ids = values.pop("item_ids", None)
    of_details, prices = _popped(values, FIELDS), _popped(values, OF_PRICES)
    product = Product(organisation_id=scope.organisation.id, **values)
    scope.session.add(product)
    scope.session.flush()
    keep_prices(scope, product, prices)
    scope.session.expire(product, OF_PRICES)
    change_details(scope, product, of_details)
    if item_ids is not None:
        replace_items(scope, product, item_ids)
    _record(scope, "product.created", product, actor, change({}, _values(product, names)))
    return product


def change_product(scope: TenantScope, product: Product, changes: dict[str, Any], *, actor: str) -> Product:
    """Change the given values of a product, and call the hook `on_product_changed`.

    Args:
        scope: the scope of the organisation.
        product: the product.
        changes: the new values of columns, of `details.FIELDS` and of `OF_PRICES`, ``item_ids`` and
            ``archived``.
        actor: the caller, for the audit trail.

    Raises:
        SlugTaken: another product has or had the slug.
        PriceRefused, PricesContradict: see `keep_prices`.
        BundleRefused, UnknownProduct: see `replace_items`.
    """
    prices = {name: changes[name] for name in OF_PRICES if name in changes}
    names = {*changes, *(OF_PRICES if prices else ())}
    # Of two concurrent changes the second is compared with what the first has written. Purchases do not wait.
    scope.session.refresh(product, with_for_update={"of": Product, "key_share": True})
    before = _values(product, names)
    for name in changes.keys() - {"item_ids", "archived", *OF_PRICES} - FIELDS:
        setattr(product, name, changes[name])
    if prices or "amount" in changes:
        keep_prices(scope, product, prices)
    of_details = {name: changes[name] for name in FIELDS & changes.keys()}
    if "archived" in changes:
        _archive(scope, product, archived=changes["archived"])
    scope.session.flush()
    scope.session.expire(product, OF_PRICES)
    if of_details or "title" in changes:
        change_details(scope, product, of_details)
    if of_details or prices:
        product.updated_at = utcnow()
    if "item_ids" in changes:
        replace_items(scope, product, changes["item_ids"])
    detail = change(before, _values(product, names))
    _record(scope, "product.changed", product, actor, detail)
    if changed := frozenset(detail["after"]):
        with forbid_commit(scope):
            event = ProductChanged(scope, product.id, product.kind, changed)
            scope.hooks.call("on_product_changed", event)
    return product


def _popped(values: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values.pop(name) for name in names if name in values}


def _values(product: Product, names: Iterable[str]) -> dict[str, Any]:
    """Return values of a product, for the audit trail."""
    return {name: _value(product, name) for name in sorted(names)}


def _value(product: Product, name: str) -> Any:
    """Return a value of a product by the name that `change_product` has for it."""
    if name in FIELDS:
        return value_of(product, name)
    if name == "item_ids":
        return [item.id for item in product.items]
    return product.archived_at is not None if name == "archived" else getattr(product, name)


def _archive(scope: TenantScope, product: Product, *, archived: bool) -> None:
    values = {"organisation_id": scope.organisation.id, "product_id": product.id, "archived_at": utcnow()}
    if archived:
        # Of two concurrent calls the second has no effect.
        scope.session.execute(insert(ArchivedProduct).values(values).on_conflict_do_nothing())
    else:
        scope.session.execute(delete(ArchivedProduct).where(ArchivedProduct.product_id == product.id))
    scope.session.expire(product, ["archived_at"])


def _record(
    scope: TenantScope, action: str, product: Product, actor: str, detail: dict[str, Any] | None = None
) -> None:
    target = f"product:{product.id}"
    record(scope, actor=actor, action=action, target=target, detail=detail)


def require_for_sale(scope: TenantScope, product: Product) -> None:
    """Check that a product can be sold now.

    Raises:
        NotForSale: it is not published or incomplete, or not released yet and not open for pre-orders, or no
            plugin delivers its kind.
    """
    kind = kind_of(scope, product.kind)
    if product.state != State.PUBLISHED or kind is None:
        raise NotForSale("The product is not on sale.")
    if is_awaited(product):
        raise NotForSale("The product is not released yet, and takes no pre-orders.")
    with forbid_commit(scope):
        obstacle = kind.obstacle_to_sale(scope, product.id)
    if obstacle is not None:
        raise NotForSale(obstacle)
