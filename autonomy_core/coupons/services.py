"""Use cases of coupons, for staff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import with_expression

from autonomy_core.audit.services import record
from autonomy_core.catalog.bundles import require_products
from autonomy_core.coupons.domain import RedemptionStatus
from autonomy_core.coupons.models import Coupon, CouponProduct, CouponRedemption
from autonomy_core.errors import Conflict, InvalidInput
from autonomy_core.grants.services import environment_of
from autonomy_core.kernel.scope import TenantScope


class CouponExists(Conflict):
    """The organisation has a coupon with this code."""

    code, title = "coupon_exists", "There is a coupon with this code already"


def coupons_with_usage(scope: TenantScope) -> Select[Coupon]:
    """Select the organisation's coupons, and how often they count in the environment in which it sells now."""
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
    """A coupon of this organisation with its usage, or None."""
    return scope.session.scalars(coupons_with_usage(scope).where(Coupon.id == coupon_id)).one_or_none()


def create_coupon(scope: TenantScope, values: dict[str, Any], *, actor: str) -> Coupon:
    """Make a coupon. An amount is in the organisation's currency unless another is given.

    Args:
        values: its columns, the code in upper case, and ``product_ids``, None for all products.

    Raises:
        CouponExists: also when two requests make it at the same moment.
        UnknownProduct: it is to be for a product that the organisation does not have.
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
    return _changed(scope, "coupon.created", coupon, actor)


def change_coupon(scope: TenantScope, coupon: Coupon, changes: dict[str, Any], *, actor: str) -> Coupon:
    """Change what is given, leave the rest. Checkouts that are open keep their discount.

    Raises:
        InvalidInput: it would end before it starts.
        UnknownProduct: it is to be for a product that the organisation does not have.
    """
    for name in changes.keys() - {"product_ids"}:
        setattr(coupon, name, changes[name])
    if coupon.starts_at and coupon.ends_at and coupon.starts_at >= coupon.ends_at:
        raise InvalidInput("It would end before it starts.")
    if "product_ids" in changes:
        # Flushed at once, so that one that stays is not inserted before it is deleted.
        coupon.restrictions = []
        scope.session.flush()
        _restrict(scope, coupon, changes["product_ids"])
    return _changed(scope, "coupon.changed", coupon, actor, {"fields": sorted(changes)})


def _restrict(scope: TenantScope, coupon: Coupon, product_ids: Sequence[UUID] | None) -> None:
    products = require_products(scope, product_ids) if product_ids is not None else ()
    coupon.restrictions = [
        CouponProduct(organisation_id=scope.organisation.id, product_id=product.id) for product in products
    ]


def _changed(
    scope: TenantScope, action: str, coupon: Coupon, actor: str, detail: dict[str, Any] | None = None
) -> Coupon:
    target = f"coupon:{coupon.id}"
    record(scope.session, scope.organisation.id, actor=actor, action=action, target=target, detail=detail)
    scope.session.flush()
    return scope.session.scalars(coupons_with_usage(scope).where(Coupon.id == coupon.id)).one()
