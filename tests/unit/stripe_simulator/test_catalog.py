"""Products and prices, and sessions that sell at such a price."""

from __future__ import annotations

import pytest
import stripe


@pytest.fixture
def price(client):
    product = client.v1.products.create({"name": "Night Train", "description": "Live"})
    return client.v1.prices.create({"product": product.id, "unit_amount": 1500, "currency": "eur"})


def sale(price_id, **changes):
    item = {"price": price_id, "quantity": 2} | changes
    return {"mode": "payment", "success_url": "https://shop.example/paid", "line_items": [item]}


def test_a_session_sells_at_a_price_that_exists(client, price, told):
    assert told() == ["product.created", "price.created"]
    session = client.v1.checkout.sessions.create(sale(price.id) | {"expand": ["line_items"]})
    [item] = session.line_items.data
    assert (item.price.id, item.description, session.amount_total) == (price.id, "Night Train", 3000)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"price": "price_nothing"}, "line_items[0][price]"),
        ({"price": ""}, "line_items[0][price]"),
        (
            {"price_data": {"currency": "eur", "unit_amount": 100, "product_data": {"name": "x"}}},
            "line_items[0][price]",
        ),
    ],
)
def test_an_item_has_exactly_one_price_that_exists(client, price, changes, param):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.create(sale(price.id, **changes))
    assert caught.value.param == param
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.create(
            sale(price.id) | {"line_items": [{"price": price.id, "quantity": 1}, {"quantity": 1}]}
        )
    assert caught.value.param == "line_items[1][price_data]"


def test_prices_of_another_account_or_currency_cannot_be_used(client, client_for, price):
    with pytest.raises(stripe.InvalidRequestError, match="No such price"):
        client_for("sk_test_other").v1.checkout.sessions.create(sale(price.id))
    dollars = client.v1.prices.create({"product": price.product, "unit_amount": 1500, "currency": "usd"})
    items = [{"price": each, "quantity": 1} for each in (price.id, dollars.id)]
    with pytest.raises(stripe.InvalidRequestError, match="one currency"):
        client.v1.checkout.sessions.create(sale(price.id) | {"line_items": items})


@pytest.mark.parametrize(
    ("changes", "param"),
    [({"product": "prod_nothing"}, "product"), ({"unit_amount": 10_005, "currency": "kwd"}, "unit_amount"),
     ({"currency": "xxx"}, "currency"), ({"recurring": {"interval": "month"}}, "recurring")],
)  # fmt: skip
def test_a_wrong_price_is_refused(client, price, changes, param):
    wanted = {"product": price.product, "unit_amount": 1500, "currency": "eur"}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.prices.create(wanted | changes)
    assert caught.value.param == param
