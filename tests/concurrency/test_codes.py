"""A download code that many redeem at the same time."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select
from webob import Request

from autonomy_core.codes.models import CodeUse, DownloadCode
from autonomy_core.codes.services import make_codes
from autonomy_core.grants.models import Grant
from autonomy_core.testing import stand_ins

pytestmark = pytest.mark.concurrent

CALLERS = 50


@pytest.fixture
def shop(committed):
    committed.organisation("acme", plugins=(stand_ins.NAME,))
    return committed


def code_for(shop, product, **values):
    values = {"count": 1, "label": "Vinyl", "uses_per_code": 1, "expires_at": None, **values}
    with shop.scope() as scope:
        ((_, code),) = make_codes(scope, product.id, values, actor="test").codes
    return code


def redeem_at_once(shop, code, customers):
    def redeem(numbered):
        number, customer = numbered
        headers = {**shop.as_customer(customer), "Content-Type": "application/json"}
        body = json.dumps({"code": code}).encode()
        request = Request.blank("/acme/api/v1/customers/codes", method="POST", body=body, headers=headers)
        request.remote_addr = f"192.0.2.{number}"
        answer = request.get_response(shop.app.app)
        return answer.status_int, json.loads(answer.body).get("code")

    with ThreadPoolExecutor(len(customers)) as pool:
        return Counter(pool.map(redeem, enumerate(customers)))


def counted(shop, what):
    with shop.scope() as scope:
        return scope.session.scalar(what)


def test_of_fifty_customers_exactly_one_gets_the_product(shop):
    product = shop.product()
    customers = [shop.customer(email=f"{number}@example.org") for number in range(CALLERS)]
    answers = redeem_at_once(shop, code_for(shop, product), customers)
    assert answers == {(201, None): 1, (422, "code_not_valid"): CALLERS - 1}
    assert counted(shop, select(func.count()).select_from(Grant)) == 1
    assert counted(shop, select(DownloadCode.used)) == 1


def test_a_code_for_three_is_redeemed_three_times(shop):
    product = shop.product()
    customers = [shop.customer(email=f"{number}@example.org") for number in range(10)]
    answers = redeem_at_once(shop, code_for(shop, product, uses_per_code=3), customers)
    assert answers == {(201, None): 3, (422, "code_not_valid"): 7}
    assert counted(shop, select(func.count()).select_from(CodeUse)) == 3


def test_one_customer_who_clicks_often_redeems_once(shop):
    product = shop.product()
    answers = redeem_at_once(shop, code_for(shop, product, uses_per_code=5), [shop.customer()] * 8)
    assert answers == {(201, None): 1, (200, None): 7}
    assert counted(shop, select(func.count()).select_from(Grant)) == 1
