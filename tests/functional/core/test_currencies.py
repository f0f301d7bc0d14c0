"""What prices can be in."""

import pytest

PRODUCTS = "/acme/api/v1/admin/products"
PRODUCT = {"title": "A thing", "kind": "thing", "amount": 500}


@pytest.fixture
def staff(autonomy):
    autonomy.organisation()
    return autonomy.as_staff()


@pytest.mark.parametrize("currency", ["eur", "gbp", "usd", "jpy", "isk", "kwd"])
def test_a_currency_in_use_is_taken(autonomy, staff, currency):
    answer = autonomy.app.post_json(PRODUCTS, {**PRODUCT, "currency": currency}, headers=staff)
    assert answer.json["currency"] == currency


@pytest.mark.parametrize("currency", ["xyz", "xxx", "xau", "dem", "EUR", "euro", ""])
def test_what_nothing_can_be_paid_in_is_refused(autonomy, staff, currency):
    refused = autonomy.app.post_json(PRODUCTS, {**PRODUCT, "currency": currency}, headers=staff, status=422)
    assert list(refused.json["errors"]["body"]) == ["currency"]
