"""Products whose buyers choose the amount."""

import pytest


def test_the_catalogue_shows_the_smallest_and_the_suggested_amount(shop):
    product = shop.product(amount=500, pay_what_you_want=True, suggested_amount=900)
    shown = shop.shown(product)
    assert (shown["amount"], shown["suggested_amount"]) == (500, 900)
    assert (shown["pay_what_you_want"], shown["other_prices"]) == (True, [])
    assert shop.shown(shop.product())["pay_what_you_want"] is False
    # A new smallest amount keeps the suggestion; a fixed price has none.
    assert shop.change(product, amount=600)["suggested_amount"] == 900
    fixed = shop.change(product, pay_what_you_want=False)
    assert (fixed["pay_what_you_want"], fixed["suggested_amount"], fixed["amount"]) == (False, None, 600)
    assert shop.shown(product)["suggested_amount"] is None


def test_a_buyer_pays_the_chosen_amount_and_by_default_the_smallest(shop):
    product = shop.product(amount=500, pay_what_you_want=True, suggested_amount=900)
    assert shop.purchase(product)["payment"]["amount"] == 500
    payment = shop.purchase(product, amount=1234)["payment"]
    assert (payment["amount"], payment["discount"]) == (1234, 0)
    assert shop.settle(payment).status == "completed"
    assert shop.purchase(product, 409)["code"] == "already_owned"


def test_an_amount_below_the_smallest_is_refused_and_named(shop):
    product = shop.product(amount=500, pay_what_you_want=True)
    problem = shop.purchase(product, 422, amount=499)
    assert (problem["code"], problem["minimum"], problem["currency"]) == ("amount_too_small", 500, "eur")
    assert shop.purchase_as_guest(product, 422, amount=0)["code"] == "amount_too_small"
    shop.purchase(product, amount=99_999_999)
    for amount in (100_000_000, -1, "900", 900.5, True, None):
        assert shop.purchase(product, 422, amount=amount)["code"] == "invalid_input"


def test_an_amount_that_the_provider_does_not_collect_is_refused(shop):
    product = shop.product(amount=0, pay_what_you_want=True)
    problem = shop.purchase(product, 422, amount=49)
    assert (problem["code"], problem["detail"]) == ("amount_not_collectable", "It collects at least 50 eur.")
    assert shop.purchase_as_guest(product, 422, amount=1)["code"] == "amount_not_collectable"
    assert shop.purchase(product, 201, amount=50)["checkout_url"]


def test_nothing_is_an_amount_and_completes_the_purchase(shop):
    product = shop.product(amount=0, pay_what_you_want=True, suggested_amount=700)
    opened = shop.purchase(product, amount=800)["payment"]
    answer = shop.purchase(product, amount=0)
    assert (answer["payment"]["status"], answer["checkout_url"]) == ("completed", None)
    assert answer["payment"]["id"] != opened["id"]
    guest = shop.purchase_as_guest(product)
    assert (guest["payment"]["status"], guest["payment"]["amount"]) == ("completed", 0)
    assert shop.purchase_as_guest(product, amount=700)["checkout_url"]


def test_another_amount_is_another_wish(shop):
    product = shop.product(amount=500, pay_what_you_want=True)
    first = shop.purchase(product, amount=800)["payment"]
    assert shop.purchase(product, 200, amount=800)["payment"]["id"] == first["id"]
    second = shop.purchase(product, 201, amount=900)["payment"]
    assert (second["amount"], second["id"] != first["id"]) == (900, True)
    # Without an amount it is the smallest, and not what was chosen before.
    assert shop.purchase(product, 201)["payment"]["amount"] == 500
    once = shop.purchase(product, 201, key="a-key-of-one-click", amount=700)
    assert shop.purchase(product, 201, key="a-key-of-one-click", amount=700) == once
    problem = shop.purchase(product, 422, key="a-key-of-one-click", amount=701)
    assert problem["code"] == "idempotency_key_reused"


def test_a_fixed_price_is_confirmed_but_not_chosen(shop):
    product = shop.product(amount=1000)
    first = shop.purchase(product, amount=1000)["payment"]
    assert shop.purchase(product, 200)["payment"]["id"] == first["id"]
    for amount in (999, 1001):
        problem = shop.purchase(product, 422, amount=amount)
        assert (problem["code"], problem["amount"], problem["currency"]) == ("price_is_fixed", 1000, "eur")


@pytest.mark.parametrize(
    ("coupon", "amount", "expected"),
    [
        # The whole amount is reduced, below the smallest too.
        ({"percent_off": 50}, 900, (450, 450)),
        ({"percent_off": 50}, 500, (250, 250)),
        ({"amount_off": 800}, 900, (100, 800)),
        ({"amount_off": 800}, 600, (0, 600)),
    ],
)
def test_a_coupon_reduces_the_chosen_amount(shop, coupon, amount, expected):
    product = shop.product(amount=500, pay_what_you_want=True)
    shop.coupon(code="SPRING", **coupon)
    payment = shop.purchase(product, coupon="SPRING", amount=amount)["payment"]
    assert (payment["amount"], payment["discount"]) == expected
    assert payment["status"] == ("pending" if expected[0] else "completed")


def test_a_coupon_that_leaves_too_little_is_refused(shop):
    product = shop.product(amount=500, pay_what_you_want=True)
    shop.coupon(code="SPRING", amount_off=800)
    assert shop.purchase(product, 409, coupon="SPRING", amount=820)["code"] == "discount_refused"


def test_the_amount_of_a_bundle_may_be_chosen_and_is_divided(shop):
    items = [shop.product(amount=amount)["id"] for amount in (300, 100)]
    bundle = shop.product(kind="bundle", amount=100, pay_what_you_want=True, item_ids=items)
    payment = shop.purchase(bundle, amount=800)["payment"]
    shop.settle(payment)
    refund = shop.autonomy.app.post_json(
        f"/acme/api/v1/admin/payments/{payment['id']}/refunds",
        {"items": [items[0]], "reason": "wish"},
        headers=shop.staff,
    ).json
    assert refund["amount"] == 600


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"suggested_amount": 2000}, "prices_contradict"),
        ({"pay_what_you_want": True, "suggested_amount": 999}, "prices_contradict"),
        ({"pay_what_you_want": False, "suggested_amount": 2000}, "prices_contradict"),
        ({"pay_what_you_want": True, "amount": 49}, "price_refused"),
        ({"pay_what_you_want": True, "amount": 0, "suggested_amount": 49}, "price_refused"),
        ({"pay_what_you_want": "yes"}, "invalid_input"),
        ({"pay_what_you_want": True, "suggested_amount": 100_000_000}, "invalid_input"),
    ],
)
def test_prices_that_cannot_be_are_refused_and_nothing_is_written(shop, values, code):
    assert shop.product(422, **values)["code"] == code
    product = shop.product()
    before = shop.shown(product)
    assert shop.change(product, 422, **values)["code"] == code
    assert shop.shown(product) == before


def test_a_suggestion_is_not_left_below_a_new_smallest_amount(shop):
    product = shop.product(amount=500, pay_what_you_want=True, suggested_amount=900)
    assert shop.change(product, 422, amount=901)["code"] == "prices_contradict"
    assert shop.change(product, amount=901, suggested_amount=None)["amount"] == 901
