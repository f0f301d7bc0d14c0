"""A purchase beside the report that settles an open payment of the same customer for the same product."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from types import ModuleType

import psycopg
import pytest
from sqlalchemy import select
from webob import Request

from autonomy_core.coupons.models import Coupon
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.models import Payment
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.payments import PaymentStatus
from autonomy_core.testing import stand_ins
from autonomy_core.testing.locks import BLOCKED

pytestmark = pytest.mark.concurrent

WITHIN_S = 60


@hookimpl
def on_payment_completed(event):
    for item in event.items:
        event.grant(item.id)


class Slow:
    """A kind of product of which a purchase asks between what it reads and what it writes."""

    name = "slow"

    def __init__(self):
        self.asked, self.go_on = Event(), Event()

    def obstacle_to_sale(self, scope, product_id):
        self.asked.set()
        assert self.go_on.wait(WITHIN_S)


SLOW = Slow()


@pytest.fixture(scope="module")
def autonomy_plugins():
    granting = ModuleType("granting.plugin")
    granting.on_payment_completed = on_payment_completed
    granting.register_product_kinds = hookimpl(lambda: [SLOW], specname="register_product_kinds")
    return Plugins({stand_ins.NAME: stand_ins, "granting": granting})


@pytest.fixture
def shop(committed):
    committed.organisation("acme", plugins=(stand_ins.NAME, "granting"))
    SLOW.go_on.set()
    return committed


@pytest.fixture
def threads():
    with ThreadPoolExecutor(1) as pool:
        yield pool


def purchase(shop, customer, product, **body):
    path = f"/acme/api/v1/customers/products/{product.id}/purchase"
    headers = {**shop.as_customer(customer), "Content-Type": "application/json"}
    request = Request.blank(path, method="POST", body=json.dumps(body).encode(), headers=headers)
    answer = request.get_response(shop.app.app)
    return answer.status_int, json.loads(answer.body).get("code")


def payments(shop):
    with shop.scope() as scope:
        return sorted(scope.session.scalars(select(Payment.status)))


@contextmanager
def held_back(shop):
    """The purchase has read what decides, and goes on after the block."""
    SLOW.asked.clear()
    SLOW.go_on.clear()
    try:
        yield lambda: SLOW.asked.wait(WITHIN_S)
    finally:
        SLOW.go_on.set()


@contextmanager
def waiting_for_a_coupon(shop):
    """The same, of a purchase with a coupon, which another transaction has locked."""
    path, headers = "/acme/api/v1/admin/coupons", shop.as_staff()
    shop.app.post_json(path, {"code": "SPRING", "percent_off": 25}, headers=headers)

    def is_waiting():
        with psycopg.connect(shop.database.conninfo, autocommit=True) as connection:
            until = time.monotonic() + WITHIN_S
            while time.monotonic() < until:
                if connection.execute(BLOCKED).fetchall():
                    return True
                time.sleep(0.02)
        return False

    with shop.scope() as holding:
        holding.session.scalars(select(Coupon).with_for_update()).one()
        yield is_waiting


WAYS = [(held_back, {}), (waiting_for_a_coupon, {"coupon": "SPRING"})]


@pytest.mark.parametrize(("hold", "body"), WAYS, ids=["plain", "with a coupon"])
def test_a_customer_whose_open_payment_completes_owns_it_already(shop, threads, hold, body):
    customer, product = shop.customer(), shop.product(kind="slow")
    payment = shop.payment(customer, product)
    with hold(shop) as is_waiting:
        buying = threads.submit(purchase, shop, customer, product, **body)
        assert is_waiting()
        shop.settle(payment)
    assert buying.result(WITHIN_S) == (409, "already_owned")
    assert payments(shop) == ["completed"]


def test_one_of_two_open_payments_that_completes_counts(shop, threads):
    customer, product = shop.customer(), shop.product(kind="slow")
    older = shop.payment(customer, product)
    staff = shop.as_staff()
    shop.app.patch_json(f"/acme/api/v1/admin/products/{product.id}", {"amount": 900}, headers=staff)
    shop.payment(customer, product)
    with held_back(shop) as is_waiting:
        buying = threads.submit(purchase, shop, customer, product)
        assert is_waiting()
        shop.settle(older)
    assert buying.result(WITHIN_S) == (409, "already_owned")


@pytest.mark.parametrize(
    ("status", "answer"), [("expired", (201, None)), ("processing", (409, "payment_on_its_way"))]
)
def test_a_purchase_follows_the_new_status_of_the_open_payment(shop, threads, status, answer):
    customer, product = shop.customer(), shop.product(kind="slow")
    payment = shop.payment(customer, product)
    with held_back(shop) as is_waiting:
        buying = threads.submit(purchase, shop, customer, product)
        assert is_waiting()
        shop.settle(payment, PaymentStatus(status))
    assert buying.result(WITHIN_S) == answer
