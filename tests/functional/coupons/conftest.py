"""A shop with coupons: things, customers by a header, and payments that the test settles."""

from types import ModuleType

import pytest
from sqlalchemy import select

from autonomy_core.coupons.models import CouponRedemption
from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.payments import Payment, PaymentStatus
from autonomy_core.testing import stand_ins


@hookimpl
def on_payment_completed(event):
    for item in event.items:
        event.grant(item.id)


GRANTING = ModuleType("granting.plugin")
"""The stand-ins' products and customers, a hook that grants, and no payment provider."""
GRANTING.register_authenticators = stand_ins.register_authenticators
GRANTING.register_product_kinds = stand_ins.register_product_kinds
GRANTING.on_payment_completed = on_payment_completed

COLLECTING = ModuleType("stand_ins.plugin")
"""The stand-ins' payments alone, because a kind of product is registered by one plugin."""
COLLECTING.register_payment_provider = stand_ins.register_payment_provider


class CouponShop:
    """An organisation as its staff and a customer of it use it."""

    def __init__(self, autonomy):
        self.autonomy = autonomy
        self.staff = autonomy.as_staff()
        self.product = autonomy.product(amount=1200)
        self.customer = autonomy.customer()

    def another_customer(self, email):
        self.customer = self.autonomy.customer(email=email)

    def coupon(self, status=201, **values):
        path = "/acme/api/v1/admin/coupons"
        return self.autonomy.app.post_json(path, values, headers=self.staff, status=status).json

    def change(self, coupon, status=200, **changes):
        path = f"/acme/api/v1/admin/coupons/{coupon['id']}"
        return self.autonomy.app.patch_json(path, changes, headers=self.staff, status=status).json

    def usage(self, coupon):
        path = f"/acme/api/v1/admin/coupons/{coupon['id']}"
        found = self.autonomy.app.get(path, headers=self.staff).json
        return found["reserved"], found["used"]

    def purchase(self, status=201, **body):
        path = f"/acme/api/v1/customers/products/{self.product.id}/purchase"
        headers = self.autonomy.as_customer(self.customer)
        return self.autonomy.app.post_json(path, body, headers=headers, status=status).json

    def settle(self, payment, status="completed"):
        with self.autonomy.scope() as scope:
            row = scope.session.get_one(Payment, ("acme", payment["id"]))
        return self.autonomy.settle(row, PaymentStatus(status)).payment

    def timeline(self, payment):
        path = f"/acme/api/v1/admin/payments/{payment['id']}/timeline"
        return self.autonomy.app.get(path, headers=self.staff).json["items"]

    def redemptions(self):
        with self.autonomy.scope() as scope:
            return [row.status for row in scope.session.scalars(select(CouponRedemption))]


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({stand_ins.NAME: COLLECTING, "granting": GRANTING})


@pytest.fixture
def shop(autonomy):
    autonomy.organisation("acme", plugins=(stand_ins.NAME, "granting"))
    return CouponShop(autonomy)
