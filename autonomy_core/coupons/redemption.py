"""To redeem a coupon: what a product costs with it, and how long it is taken.

A redemption counts for the coupon's limits from when its payment is opened (reserved) until that has failed or expired
(released), and for good once it is completed (used). A refund does not give it back.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select, update

from autonomy_core.catalog.models import Product
from autonomy_core.coupons.attempt_limit import count_attempt, forgive
from autonomy_core.coupons.domain import RedemptionStatus, is_open, normalised, redemption_after
from autonomy_core.coupons.models import Coupon, CouponRedemption
from autonomy_core.db.base import utcnow
from autonomy_core.kernel.protocols import Quote
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments.discounts import CouponNotValid, CouponUsedUp
from autonomy_core.payments.journal import note
from autonomy_core.payments.models import Payment


def quote(scope: TenantScope, customer_id: UUID, product: Product, code: str | None) -> Quote:
    """What a product costs with a coupon, or without one. The coupon's limits are `reserve`'s.

    Args:
        code: as the customer wrote it.

    Raises:
        CouponNotValid: the transaction must be committed, so that the attempt counts.
        TooManyRequests: the customer has guessed too often.
    """
    if code is None:
        return Quote(product.amount, product.currency)
    count_attempt(scope, customer_id)
    coupon = _find_valid(scope, code, product)
    discount = coupon.reduction.of(product.amount) if coupon else 0
    if coupon is None or not discount:
        raise CouponNotValid
    forgive(scope, customer_id)
    return Quote(product.amount - discount, product.currency, discount, coupon)


def _find_valid(scope: TenantScope, code: str, product: Product) -> Coupon | None:
    stored = normalised(code)
    if stored is None:
        return None
    locked = select(Coupon).where(Coupon.code == stored).with_for_update()
    coupon = scope.session.scalars(locked.execution_options(populate_existing=True)).one_or_none()
    valid = (
        coupon is not None
        and coupon.active
        and is_open(utcnow(), coupon.starts_at, coupon.ends_at)
        and coupon.currency in (None, product.currency)
        and (coupon.product_ids is None or product.id in coupon.product_ids)
    )
    return coupon if valid else None


def reserve(scope: TenantScope, coupon: Coupon, payment: Payment) -> None:
    """Take a coupon, which the caller has locked, for a payment that has just been opened.

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
    """Give back what payments have reserved that nobody is to pay any more; should one be paid after all, see `follow`."""
    if payment_ids:
        reserved = CouponRedemption.status == RedemptionStatus.RESERVED
        which = update(CouponRedemption).where(CouponRedemption.payment_id.in_(payment_ids), reserved)
        scope.session.execute(which.values(status=RedemptionStatus.RELEASED))


def follow(scope: TenantScope, payment: Payment, collected: PaymentStatus) -> None:
    """Let the redemption of a locked payment follow how far collecting it has come.

    One that had been released and counts again, because the buyer pays after all, is noted in the payment's journal:
    the coupon may then have been used more often than its limits say.
    """
    redemption = scope.session.get_one(
        CouponRedemption,
        (scope.organisation.id, payment.id),
        with_for_update=True,
        populate_existing=True,
    )
    before, redemption.status = redemption.status, redemption_after(collected)
    if before == RedemptionStatus.RELEASED != redemption.status:
        note(scope, payment.id, "coupon_taken_again", coupon=payment.coupon_code, after=redemption.status)
