"""Coupons in the resource tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.authorization import Allow
from pyramid.request import Request

from autonomy_core.coupons.models import Coupon
from autonomy_core.coupons.services import find_coupon
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import Collection, Resource


class AdminCoupon(Resource):
    """``…/admin/coupons/{coupon_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, coupon: Coupon) -> None:
        super().__init__(request, parent, name)
        self.coupon = coupon


class AdminCoupons(Collection):
    """``…/admin/coupons``"""

    item = AdminCoupon
    parameter = "coupon_id"

    __acl__ = (
        (Allow, f"scope:{Permission.READ_CATALOG}", Permission.READ_CATALOG),
        (Allow, f"scope:{Permission.WRITE_CATALOG}", (Permission.READ_CATALOG, Permission.WRITE_CATALOG)),
    )

    def item_for(self, identifier: UUID, name: str) -> AdminCoupon:
        """Return any coupon of the organisation."""
        coupon = find_coupon(self.scope, identifier)
        if coupon is None:
            raise KeyError(name)
        return AdminCoupon(self.request, self, name, coupon)
