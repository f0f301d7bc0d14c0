"""What coupons keep of a customer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autonomy_core.coupons.models import Coupon, CouponRedemption
from autonomy_core.kernel.personal_data import PersonalData
from autonomy_core.kernel.scope import TenantScope


def export(scope: TenantScope, customer_id: UUID) -> Iterator[tuple[str, Any]]:
    """Yield the coupons that the customer has redeemed."""
    statement = (
        select(CouponRedemption, Coupon.code)
        .join(Coupon, Coupon.id == CouponRedemption.coupon_id)
        .where(CouponRedemption.customer_id == customer_id)
    )
    yield "coupons.json", [_described(each, code) for each, code in scope.session.execute(statement)]


def _described(redemption: CouponRedemption, code: str) -> dict[str, Any]:
    return {
        "code": code,
        "payment_id": redemption.payment_id,
        "status": redemption.status,
        "created_at": redemption.created_at,
    }


def erase(scope: TenantScope, customer_id: UUID) -> None:
    """Change nothing: redemptions count for the coupon's limits, and stay."""


PERSONAL_DATA = PersonalData("coupons", export, erase)
