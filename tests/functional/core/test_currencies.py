"""Currencies of prices."""

import pytest

PRODUCTS = "/acme/api/v1/admin/products"
PRODUCT = {"title": "A thing", "kind": "thing", "amount": 500}


@pytest.fixture
def staff(autonomy):
    autonomy.organisation()
    return autonomy.as_staff()


@pytest.mark.parametrize("currency", ["eur", "gbp", "usd", "jpy", "isk", "kwd"])
def test_a_currency_in_use_is_accepted(autonomy, staff, currency):
    answer = autonomy.app.post_json(PRODUCTS, {**PRODUCT, "currency": currency}, headers=staff)
    assert answer.json["currency"] == currency


@pytest.mark.parametrize("currency", ["xyz", "xxx", "xau", "dem", "EUR", "euro", ""])
def test_a_code_that_is_no_usable_currency_is_refused(autonomy, staff, currency):
    refused = autonomy.app.post_json(PRODUCTS, {**PRODUCT, "currency": currency}, headers=staff, status=422)
    assert list(refused.json["errors"]["body"]) == ["currency"]
