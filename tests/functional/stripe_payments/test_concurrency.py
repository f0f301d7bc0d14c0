"""Many purchases at once."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from webob import Request

from tests.functional.stripe_payments.shop import Shop

pytestmark = pytest.mark.concurrent

CLICKS = 16


def test_sixteen_clicks_at_once_are_one_payment_with_one_session(committed, simulator):
    shop = Shop(committed, simulator)

    def click(_):
        path = f"/{shop.id}/api/v1/customers/products/{shop.product.id}/purchase"
        headers = {**committed.as_customer(shop.customer), "Content-Type": "application/json"}
        request = Request.blank(path, method="POST", body=b"{}", headers=headers)
        answer = request.get_response(committed.app.app)
        return answer.status_int, json.loads(answer.body)["checkout_url"]

    with ThreadPoolExecutor(CLICKS) as threads:
        answers = list(threads.map(click, range(CLICKS)))
    assert sorted(status for status, _ in answers) == [*[200] * (CLICKS - 1), 201]
    assert len({url for _, url in answers}) == 1
    assert len(shop.ledger("sessions")) == 1
