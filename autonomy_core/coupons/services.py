"""Services of coupons, for staff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import with_expression

from autonomy_core.audit.services import change, record
from autonomy_core.catalog.bundles import require_products
from autonomy_core.coupons.domain import RedemptionStatus
from autonomy_core.coupons.models import Coupon, CouponProduct, CouponRedemption
from autonomy_core.errors import Conflict, InvalidInput
from autonomy_core.grants.services import environment_of
from autonomy_core.kernel.scope import TenantScope


class CouponExists(Conflict):
    """The organisation already has a coupon with this code."""

    code, title = "coupon_exists", "There is a coupon with this code already"


def coupons_with_usage(scope: TenantScope) -> Select[Coupon]:
    """Select the organisation's coupons with their usage in the environment in which it sells now."""
    environment = environment_of(scope)
    return (
        select(Coupon)
        .options(
            with_expression(Coupon.used, _count(environment, RedemptionStatus.USED)),
            with_expression(Coupon.reserved, _count(environment, RedemptionStatus.RESERVED)),
        )
        .execution_options(populate_existing=True)
    )


def _count(environment: str, status: RedemptionStatus) -> ScalarSelect[int]:
    counted = select(func.count()).select_from(CouponRedemption)
    return counted.where(
        CouponRedemption.organisation_id == Coupon.organisation_id,
        CouponRedemption.coupon_id == Coupon.id,
        CouponRedemption.environment == environment,
        CouponRedemption.status == status,
    ).scalar_subquery()


def find_coupon(scope: TenantScope, coupon_id: UUID) -> Coupon | None:
    """Return a coupon of this organisation with its usage, or None."""
    return scope.session.scalars(coupons_with_usage(scope).where(Coupon.id == coupon_id)).one_or_none()


def create_coupon(scope: TenantScope, values: dict[str, Any], *, actor: str) -> Coupon:
    """Create a coupon.

    Args:
        scope: the scope of the organisation.
        values: the columns, with the code in upper case, and ``product_ids``, None for all products. The
            default currency of an amount is the organisation's.
        actor: the caller, for the audit trail.

    Raises:
        CouponExists: the code exists, or a concurrent request has created it.
        UnknownProduct: the organisation does not have one of the products.
    """
    values = dict(values)
    product_ids = values.pop("product_ids")
    if values.get("amount_off") is not None:
        values = {"currency": scope.organisation.currency, **values}
    coupon = Coupon(organisation_id=scope.organisation.id, **values)
    _restrict(scope, coupon, product_ids)
    try:
        with scope.session.begin_nested():
            scope.session.add(coupon)
    except IntegrityError as error:
        raise CouponExists from error
    made = {name: value for name, value in values.items() if value is not None}
    restricted = {} if product_ids is None else {"product_ids": product_ids}
    return _changed(scope, "coupon.created", coupon, actor, change({}, {**made, **restricted}))


def change_coupon(scope: TenantScope, coupon: Coupon, changes: dict[str, Any], *, actor: str) -> Coupon:
    """Change the given values of a coupon. Open checkouts keep their discount.

    Raises:
        InvalidInput: it would end before it starts.
        UnknownProduct: the organisation does not have one of the products.
    """
    before = {name: getattr(coupon, name) for name in changes}
    for name in changes.keys() - {"product_ids"}:
        setattr(coupon, name, changes[name])
    if coupon.starts_at and coupon.ends_at and coupon.starts_at >= coupon.ends_at:
        raise InvalidInput("It ends before it starts.")
    if "product_ids" in changes:
        # Flush first: otherwise a restriction that stays would be inserted before it is deleted.
        coupon.restrictions = []
        scope.session.flush()
        _restrict(scope, coupon, changes["product_ids"])
    return _changed(scope, "coupon.changed", coupon, actor, change(before, changes))


def _restrict(scope: TenantScope, coupon: Coupon, product_ids: Sequence[UUID] | None) -> None:
    products = require_products(scope, product_ids) if product_ids is not None else ()
    coupon.restrictions = [
        CouponProduct(organisation_id=scope.organisation.id, product_id=product.id) for product in products
    ]


def _changed(scope: TenantScope, action: str, coupon: Coupon, actor: str, detail: dict[str, Any]) -> Coupon:
    target = f"coupon:{coupon.id}"
    record(scope, actor=actor, action=action, target=target, detail=detail)
    scope.session.flush()
    return scope.session.scalars(coupons_with_usage(scope).where(Coupon.id == coupon.id)).one()
