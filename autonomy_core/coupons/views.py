"""Coupons over HTTP, for staff. Customers redeem coupons in the purchase call."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autonomy_core.catalog.bundles import UnknownProduct
from autonomy_core.coupons import schemas, services
from autonomy_core.coupons.models import Coupon
from autonomy_core.coupons.resources import AdminCoupon, AdminCoupons
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import Admin
from autonomy_core.web.operations import api_view
from autonomy_core.web.schemas import PageQuery, page_of, paginate


@api_view(
    context=AdminCoupons,
    method="GET",
    summary="List the coupons",
    permission=Permission.READ_CATALOG,
    query=PageQuery,
    returns=page_of(schemas.CouponSchema),
)
def list_coupons(context: AdminCoupons, request: Request) -> dict[str, Any]:
    """The newest coupon comes first. Each coupon shows its usage."""
    return paginate(
        context.scope.session, services.coupons_with_usage(context.scope), Coupon.id, request.query
    )


@api_view(
    context=AdminCoupons,
    method="POST",
    summary="Make a coupon",
    permission=Permission.WRITE_CATALOG,
    body=schemas.NewCouponSchema,
    returns=schemas.CouponSchema,
    status=201,
    errors=(services.CouponExists, UnknownProduct),
)
def create_coupon(context: AdminCoupons, request: Request) -> Coupon:
    """Customers can use the coupon immediately, or from `starts_at` on."""
    return services.create_coupon(context.scope, request.validated, actor=request.actor)


@api_view(
    context=AdminCoupon,
    method="GET",
    summary="Get a coupon",
    permission=Permission.READ_CATALOG,
    returns=schemas.CouponSchema,
)
def get_coupon(context: AdminCoupon, request: Request) -> Coupon:
    """The coupon with its usage."""
    return context.coupon


@api_view(
    context=AdminCoupon,
    method="PATCH",
    summary="Change a coupon",
    permission=Permission.WRITE_CATALOG,
    body=schemas.CouponChangesSchema,
    returns=schemas.CouponSchema,
    errors=(UnknownProduct,),
)
def change_coupon(context: AdminCoupon, request: Request) -> Coupon:
    """The reduction cannot be changed: create another coupon instead. Open checkouts keep their discount."""
    return services.change_coupon(context.scope, context.coupon, request.validated, actor=request.actor)


def includeme(config: Any) -> None:
    """Add the coupons to the resource tree."""
    config.add_child(Admin, "coupons", AdminCoupons)
    config.scan(__name__)
