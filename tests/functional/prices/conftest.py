"""A shop with products, and a provider that collects from 50 on, as Stripe does in most currencies."""

from types import ModuleType

import pytest

from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.payments import Payment, PaymentStatus
from autonomy_core.testing import stand_ins

NAME = stand_ins.NAME
ADMIN = "/acme/api/v1/admin"
EMAIL = "ada@example.org"


class FromFifty(stand_ins.PretendedPayments):
    """A provider with a smallest amount."""

    def price_problem(self, organisation, amount, currency):
        return f"It collects at least 50 {currency}." if amount < 50 else None


@hookimpl
def register_payment_provider():
    return FromFifty()


@hookimpl
def on_payment_completed(event):
    SEEN.append((event.payment.amount, event.payment.currency))
    for item in event.items:
        event.grant(item.id)


SEEN = []
"""What the hook was told of each payment."""

SHOP = ModuleType("stand_ins.plugin")
SHOP.register_authenticators = stand_ins.register_authenticators
SHOP.register_product_kinds = stand_ins.register_product_kinds
SHOP.register_payment_provider = register_payment_provider
GRANTING = ModuleType("granting.plugin")
GRANTING.on_payment_completed = on_payment_completed


class PriceShop:
    """An organisation as its staff, a customer and a guest use it."""

    def __init__(self, autonomy):
        self.autonomy = autonomy
        self.staff = autonomy.as_staff()
        self.ada = autonomy.customer(email=EMAIL)

    def product(self, status=201, **values):
        body = {"title": "First Light", "kind": "thing", "amount": 1000, **values}
        return self.autonomy.app.post_json(f"{ADMIN}/products", body, headers=self.staff, status=status).json

    def change(self, product, status=200, **changes):
        path = f"{ADMIN}/products/{product['id']}"
        return self.autonomy.app.patch_json(path, changes, headers=self.staff, status=status).json

    def shown(self, product):
        return self.autonomy.app.get(f"/acme/api/v1/products/{product['id']}").json

    def purchase(self, product, status=201, key=None, **body):
        path = f"/acme/api/v1/customers/products/{product['id']}/purchase"
        headers = self.autonomy.as_customer(self.ada) | ({"Idempotency-Key": key} if key else {})
        return self.autonomy.app.post_json(path, body, headers=headers, status=status).json

    def purchase_as_guest(self, product, status=201, **body):
        path = f"/acme/api/v1/products/{product['id']}/purchase"
        body = {"email": "guest@example.org", **body}
        return self.autonomy.app.post_json(path, body, status=status).json

    def coupon(self, **values):
        self.autonomy.app.post_json(f"{ADMIN}/coupons", values, headers=self.staff, status=201)

    def settle(self, payment, status="completed", **changes):
        with self.autonomy.scope() as scope:
            row = scope.session.get_one(Payment, ("acme", payment["id"]))
        return self.autonomy.settle(row, PaymentStatus(status), **changes).payment


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({NAME: SHOP, "granting": GRANTING})


@pytest.fixture
def shop(autonomy):
    SEEN.clear()
    autonomy.organisation("acme", plugins=(NAME, "granting"))
    return PriceShop(autonomy)


@pytest.fixture
def told(shop):
    """What the hook was told of each payment: amount and currency."""
    return SEEN
