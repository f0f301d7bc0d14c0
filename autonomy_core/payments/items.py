"""What a payment is for: its product, or the products that the bundle consisted of when the purchase began."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from autonomy_core.catalog import bundles
from autonomy_core.catalog.models import Product
from autonomy_core.kernel.events import BoughtProduct
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.domain import shares
from autonomy_core.payments.models import Payment, PaymentItem


def keep_items(scope: TenantScope, payment: Payment, product: Product, product_ids: Sequence[UUID]) -> None:
    """Keep what a bundle consists of while it is bought, and what is paid for each.

    What staff change meanwhile is for later purchases.
    """
    if product.kind == bundles.BUNDLE:
        scope.session.add_all(
            PaymentItem(
                organisation_id=scope.organisation.id, payment_id=payment.id, product_id=each, amount=amount
            )
            for each, amount in _divided(scope, payment, product_ids).items()
        )
        scope.session.flush()


def _divided(scope: TenantScope, payment: Payment, product_ids: Collection[UUID]) -> dict[UUID, int]:
    """What was paid for each product, by what they cost now.

    They are in the order of their ids, which nobody changes: whenever it is divided, a minor unit that is left over
    goes to the same one.
    """
    ordered = sorted(product_ids)
    return dict(zip(ordered, shares(payment.amount, _weights(scope, ordered)), strict=True))


def _weights(scope: TenantScope, product_ids: Sequence[UUID]) -> list[int]:
    """What products cost by themselves; prices in several currencies cannot be compared, and count alike."""
    rows = scope.session.execute(
        select(Product.id, Product.amount, Product.currency).where(Product.id.in_(product_ids))
    ).all()
    prices = {row.id: row.amount for row in rows}
    comparable = len({row.currency for row in rows}) == 1
    return [prices[each] if comparable else 1 for each in product_ids]


def paid_for(scope: TenantScope, payment: Payment) -> Mapping[UUID, int]:
    """What was paid for each product of a payment, in the minor unit of its currency; together it is the payment's amount.

    Where it was not kept, see `PaymentItem`, it is divided by the prices of now.
    """
    kept = select(PaymentItem.product_id, PaymentItem.amount).where(PaymentItem.payment_id == payment.id)
    items = {row.product_id: row.amount for row in scope.session.execute(kept)}
    if None in items.values():
        return _divided(scope, payment, items.keys())
    return items or {payment.product_id: payment.amount}


def keep_paid_for(scope: TenantScope, payment: Payment) -> Mapping[UUID, int]:
    """`paid_for`, kept from now on: what one product is refunded for must not depend on another's later price.

    Args:
        payment: locked.
    """
    paid = paid_for(scope, payment)
    unknown = (PaymentItem.payment_id == payment.id) & PaymentItem.amount.is_(None)
    for item in scope.session.scalars(select(PaymentItem).where(unknown)):
        item.amount = paid[item.product_id]
    return paid


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
