"""The products of a payment: its product, or the products of the bundle at the beginning of the purchase."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from autonomy_core.catalog import bundles
from autonomy_core.catalog.models import Product
from autonomy_core.kernel.events import BoughtProduct
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentFacts
from autonomy_core.payments.domain import shares
from autonomy_core.payments.models import Payment, PaymentItem


def keep_items(scope: TenantScope, payment: Payment, product: Product, product_ids: Sequence[UUID]) -> None:
    """Store the products of a purchased bundle, and the amount paid for each.

    Later changes of the bundle apply to later purchases only.
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
    """Return the amount paid for each product, in proportion to the current prices.

    The products are ordered by id, so that repeated divisions distribute the rest in the same way.
    """
    ordered = sorted(product_ids)
    return dict(zip(ordered, shares(payment.amount, _weights(scope, ordered)), strict=True))


def _weights(scope: TenantScope, product_ids: Sequence[UUID]) -> list[int]:
    """Return the weights of the products: their prices.

    The weights are equal if the currencies differ, because such prices are not comparable.
    """
    rows = scope.session.execute(
        select(Product.id, Product.amount, Product.currency).where(Product.id.in_(product_ids))
    ).all()
    prices = {row.id: row.amount for row in rows}
    comparable = len({row.currency for row in rows}) == 1
    return [prices[each] if comparable else 1 for each in product_ids]


def paid_for(scope: TenantScope, payment: Payment) -> Mapping[UUID, int]:
    """Return the amount paid for each product of a payment, in the minor unit.

    The sum is the payment's amount. If the amounts were not stored, see `PaymentItem`, current prices decide.
    """
    kept = select(PaymentItem.product_id, PaymentItem.amount).where(PaymentItem.payment_id == payment.id)
    items = {row.product_id: row.amount for row in scope.session.execute(kept)}
    if None in items.values():
        return _divided(scope, payment, items.keys())
    return items or {payment.product_id: payment.amount}


def keep_paid_for(scope: TenantScope, payment: Payment) -> Mapping[UUID, int]:
    """Return `paid_for`, and store it: a later price must not change the refund of another product.

    Args:
        scope: the organisation.
        payment: the locked payment.
    """
    paid = paid_for(scope, payment)
    unknown = (PaymentItem.payment_id == payment.id) & PaymentItem.amount.is_(None)
    for item in scope.session.scalars(select(PaymentItem).where(unknown)):
        item.amount = paid[item.product_id]
    return paid


def has_items(scope: TenantScope, payment: Payment, product: Product, product_ids: Collection[UUID]) -> bool:
    """Return whether a payment for a product contains exactly these products."""
    if product.kind != bundles.BUNDLE:
        return True
    kept = select(PaymentItem.product_id).where(PaymentItem.payment_id == payment.id)
    return set(scope.session.scalars(kept)) == set(product_ids)


def bought(scope: TenantScope, payment: PaymentFacts) -> tuple[BoughtProduct, ...]:
    """Return the purchased products. Only a bundle needs a statement."""
    if payment.product_kind != bundles.BUNDLE:
        return (BoughtProduct(payment.product_id, payment.product_kind),)
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
