"""Redeem a coupon: the reduced price of a product, and the redemption's status.

A redemption counts for the coupon's limits while its payment is open (reserved), until the payment fails or
expires (released), and permanently after the payment is completed (used). A refund does not release it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from autonomy_core.coupons.domain import RedemptionStatus, is_open, normalised, redemption_after
from autonomy_core.coupons.models import Coupon, CouponRedemption
from autonomy_core.db.base import utcnow
from autonomy_core.kernel.protocols import Quote
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments import journal
from autonomy_core.payments.discounts import CouponNeedsAccount, CouponNotValid, CouponUsedUp
from autonomy_core.payments.models import Payment
from autonomy_core.prices.domain import Price
from autonomy_core.security.domain import Bucket, RateLimit
from autonomy_core.security.limits import count_attempt, forgive_attempt

WRONG_CODES = RateLimit(10, timedelta(hours=1))
"""How many wrong codes a customer may try. When there are more, a correct one is refused as well."""


def quote(
    scope: TenantScope, customer_id: UUID | None, product_id: UUID, price: Price, code: str | None
) -> Quote:
    """Return the price of a purchase with or without a coupon. `reserve` checks the coupon's limits.

    A coupon reduces the whole amount, also one that the buyer has chosen, and below a product's smallest.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer; None for a buyer without an account, whose attempts the caller counts.
        product_id: the product.
        price: the price before the coupon.
        code: the code as the customer typed it; None for no coupon.

    Raises:
        CouponNotValid: the transaction must be committed, so that the attempt counts.
        TooManyRequests: the customer has tried too many wrong codes.
        CouponNeedsAccount: the coupon is limited for each customer.
    """
    if code is None:
        return Quote(price.amount, price.currency)
    buckets = [Bucket("coupon.customer", str(customer_id), WRONG_CODES)] if customer_id is not None else []
    if buckets:
        count_attempt(scope, buckets)
    coupon = _find_valid(scope, code, product_id, price.currency)
    discount = coupon.reduction.of(price.amount) if coupon else 0
    if coupon is None or not discount:
        raise CouponNotValid
    if buckets:
        forgive_attempt(scope, buckets)
    elif coupon.max_per_customer is not None:
        raise CouponNeedsAccount
    return Quote(price.amount - discount, price.currency, discount, coupon)


def _find_valid(scope: TenantScope, code: str, product_id: UUID, currency: str) -> Coupon | None:
    stored = normalised(code)
    if stored is None:
        return None
    locked = select(Coupon).where(Coupon.code == stored).with_for_update()
    coupon = scope.session.scalars(locked.execution_options(populate_existing=True)).one_or_none()
    valid = (
        coupon is not None
        and coupon.active
        and is_open(utcnow(), coupon.starts_at, coupon.ends_at)
        and coupon.currency in (None, currency)
        and (coupon.product_ids is None or product_id in coupon.product_ids)
    )
    return coupon if valid else None


def reserve(scope: TenantScope, coupon: Coupon, payment: Payment) -> None:
    """Reserve a coupon for a new payment. The caller holds the lock on the coupon.

    Raises:
        CouponUsedUp: a limit is reached.
    """
    total, own = scope.session.execute(
        select(func.count(), func.count().filter(CouponRedemption.customer_id == payment.customer_id)).where(
            CouponRedemption.coupon_id == coupon.id,
            CouponRedemption.environment == payment.environment,
            CouponRedemption.status != RedemptionStatus.RELEASED,
        )
    ).one()
    if coupon.max_per_customer is not None and own >= coupon.max_per_customer:
        raise CouponUsedUp("You have used it as often as each customer may.")
    if coupon.max_redemptions is not None and total >= coupon.max_redemptions:
        raise CouponUsedUp("It has been used as often as it may be.")
    redemption = CouponRedemption(
        organisation_id=scope.organisation.id,
        payment_id=payment.id,
        coupon_id=coupon.id,
        customer_id=payment.customer_id,
        environment=payment.environment,
    )
    scope.session.add(redemption)
    scope.session.flush()


def release(scope: TenantScope, payment_ids: Collection[UUID]) -> None:
    """Release the reserved redemptions of abandoned payments. If one is paid later, `follow` applies."""
    if payment_ids:
        reserved = CouponRedemption.status == RedemptionStatus.RESERVED
        which = update(CouponRedemption).where(CouponRedemption.payment_id.in_(payment_ids), reserved)
        scope.session.execute(which.values(status=RedemptionStatus.RELEASED))


def follow(scope: TenantScope, payment: Payment, collected: PaymentStatus) -> None:
    """Update the redemption of a locked payment to the payment's status.

    If a released redemption counts again because the buyer pays late, the payment's journal records it. The
    coupon may then have been used more often than its limits allow.
    """
    redemption = scope.session.get_one(
        CouponRedemption,
        (scope.organisation.id, payment.id),
        with_for_update=True,
        populate_existing=True,
    )
    before, redemption.status = redemption.status, redemption_after(collected)
    if before == RedemptionStatus.RELEASED != redemption.status:
        journal.append(
            scope, payment.id, "coupon_taken_again", coupon=payment.coupon_code, after=redemption.status
        )


def move_redemptions(scope: TenantScope, source_id: UUID, target_id: UUID) -> None:
    """Give all redemptions of a customer to another, who may exceed a limit per customer by that."""
    moved = {"customer_id": target_id, "updated_at": CouponRedemption.updated_at}
    mine = update(CouponRedemption).where(CouponRedemption.customer_id == source_id)
    scope.session.execute(mine.values(moved))
