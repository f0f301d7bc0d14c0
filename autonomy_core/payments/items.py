"""What a payment is for: its product, or the products that the bundle consisted of when the purchase began."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from autonomy_core.catalog import bundles
from autonomy_core.catalog.models import Product
from autonomy_core.payments.models import Payment, PaymentItem
from autonomy_core.plugin_api.events import BoughtProduct
from autonomy_core.plugin_api.scope import TenantScope


def items_now(scope: TenantScope, product: Product) -> Sequence[UUID]:
    """What somebody gets who buys a product now."""
    if product.kind != bundles.BUNDLE:
        return [product.id]
    return [item.id for item in bundles.items_of(scope, product.id)]


def keep_items(scope: TenantScope, payment: Payment, product: Product, product_ids: Collection[UUID]) -> None:
    """Keep what a bundle consists of while it is bought; what staff change meanwhile is for later purchases."""
    if product.kind == bundles.BUNDLE:
        scope.session.add_all(
            PaymentItem(organisation_id=scope.organisation.id, payment_id=payment.id, product_id=each)
            for each in product_ids
        )
        scope.session.flush()


def has_items(scope: TenantScope, payment: Payment, product: Product, product_ids: Collection[UUID]) -> bool:
    """Whether a payment for a product is for just these."""
    if product.kind != bundles.BUNDLE:
        return True
    kept = select(PaymentItem.product_id).where(PaymentItem.payment_id == payment.id)
    return set(scope.session.scalars(kept)) == set(product_ids)


def bought(scope: TenantScope, payment: Payment, product: Product) -> tuple[BoughtProduct, ...]:
    """What was bought. Only a bundle costs a statement."""
    if product.kind != bundles.BUNDLE:
        return (BoughtProduct(product.id, product.kind),)
    kept = (
        select(Product.id, Product.kind)
        .join(
            PaymentItem,
            (PaymentItem.organisation_id == Product.organisation_id) & (PaymentItem.product_id == Product.id),
        )
        .where(PaymentItem.payment_id == payment.id)
        .order_by(Product.id)
    )
    return tuple(BoughtProduct(*row) for row in scope.session.execute(kept))
