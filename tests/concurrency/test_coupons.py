"""Concurrent purchases with a limited coupon."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from webob import Request

from autonomy_core.kernel.manager import Plugins
from autonomy_core.testing import stand_ins

pytestmark = pytest.mark.concurrent

CUSTOMERS, LIMIT = 16, 5


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({stand_ins.NAME: stand_ins})


@pytest.fixture
def purchase_at_once(committed):
    """Make concurrent purchases, each by one customer of one product; return statuses and codes."""

    def purchase(customer, product):
        path = f"/acme/api/v1/customers/products/{product.id}/purchase"
        headers = {**committed.as_customer(customer), "Content-Type": "application/json"}
        request = Request.blank(path, method="POST", body=b'{"coupon": "SPRING"}', headers=headers)
        answer = request.get_response(committed.app.app)
        return answer.status_int, json.loads(answer.body).get("code")

    def at_once(customers, products):
        with ThreadPoolExecutor(CUSTOMERS) as threads:
            return sorted(threads.map(purchase, customers, products))

    return at_once


def make_coupon(autonomy, **limits):
    values = {"code": "SPRING", "percent_off": 25, **limits}
    path, headers = "/acme/api/v1/admin/coupons", autonomy.as_staff()
    return f"{path}/{autonomy.app.post_json(path, values, headers=headers).json['id']}"


def reserved(autonomy, coupon):
    return autonomy.app.get(coupon, headers=autonomy.as_staff()).json["reserved"]


def test_a_limit_of_five_holds_for_sixteen_concurrent_customers(committed, purchase_at_once):
    committed.organisation()
    coupon = make_coupon(committed, max_redemptions=LIMIT)
    customers = [committed.customer(email=f"{number}@example.org") for number in range(CUSTOMERS)]
    answers = purchase_at_once(customers, [committed.product()] * CUSTOMERS)
    used_up = [(409, "coupon_used_up")] * (CUSTOMERS - LIMIT)
    assert answers == [*[(201, None)] * LIMIT, *used_up]
    assert reserved(committed, coupon) == LIMIT


def test_the_limit_per_customer_holds_for_concurrent_purchases(committed, purchase_at_once):
    committed.organisation()
    coupon = make_coupon(committed, max_per_customer=2)
    products = [committed.product() for _ in range(4)]
    answers = purchase_at_once([committed.customer()] * 4, products)
    assert answers == [*[(201, None)] * 2, *[(409, "coupon_used_up")] * 2]
    assert reserved(committed, coupon) == 2
