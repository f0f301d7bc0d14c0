"""Products with prices in several currencies."""

import csv
import io

import pytest

OTHERS = [
    {"currency": "usd", "amount": 1100, "suggested_amount": None},
    {"currency": "jpy", "amount": 1500, "suggested_amount": None},
]


def test_the_public_sees_every_price(shop):
    product = shop.product(other_prices=OTHERS)
    assert shop.shown(product)["other_prices"] == sorted(OTHERS, key=lambda each: each["currency"])
    (listed,) = shop.autonomy.app.get("/acme/api/v1/products").json["items"]
    assert listed["other_prices"] == shop.shown(product)["other_prices"]
    shop.change(product, title="Second Light")
    assert len(shop.shown(product)["other_prices"]) == 2
    changed = shop.change(product, other_prices=[{"currency": "gbp", "amount": 900}])
    assert changed["other_prices"] == [{"currency": "gbp", "amount": 900, "suggested_amount": None}]
    assert changed["updated_at"] > product["updated_at"]
    assert shop.change(product, other_prices=[])["other_prices"] == []


def test_a_buyer_chooses_the_currency_and_everything_follows_it(shop, told):
    product = shop.product(other_prices=OTHERS)
    payment = shop.purchase(product, currency="jpy")["payment"]
    assert (payment["amount"], payment["currency"]) == (1500, "jpy")
    assert shop.purchase(product, 200, currency="jpy", amount=1500)["payment"]["id"] == payment["id"]
    assert shop.settle(payment).status == "completed"
    assert told == [(1500, "jpy")]
    app, staff = shop.autonomy.app, shop.staff
    path = f"/acme/api/v1/admin/payments/{payment['id']}"
    app.post_json(f"{path}/refunds", {"amount": 400, "reason": "wish"}, headers=staff, status=201)
    found = app.get(path, headers=staff).json
    assert (found["refunded_amount"], found["currency"]) == (400, "jpy")
    opened = app.get(f"{path}/timeline", headers=staff).json["items"][0]["detail"]
    assert (opened["amount"], opened["currency"]) == (1500, "jpy")
    table = app.get("/acme/api/v1/admin/payments/export", headers=staff).text
    (row,) = csv.DictReader(io.StringIO(table))
    assert (row["currency"], row["amount"], row["refunded"]) == ("jpy", "1500", "400")
    shop.autonomy.run_jobs()
    receipt = shop.autonomy.mailbox()[0].get_body(("plain",)).get_content()
    assert "¥1,500" in receipt


def test_another_currency_is_another_wish(shop):
    product = shop.product(amount=1100, other_prices=OTHERS)
    first = shop.purchase(product, currency="usd")["payment"]
    second = shop.purchase(product, 201)["payment"]
    assert (second["amount"], second["currency"], second["id"] != first["id"]) == (1100, "eur", True)
    assert shop.purchase_as_guest(product, currency="usd")["payment"]["currency"] == "usd"


def test_a_currency_without_a_price_is_refused_and_others_named(shop):
    product = shop.product(other_prices=OTHERS)
    problem = shop.purchase(product, 422, currency="gbp")
    assert (problem["code"], problem["currencies"]) == ("currency_not_offered", ["eur", "jpy", "usd"])
    assert shop.purchase(product, 422, currency="xxx")["code"] == "invalid_input"
    assert shop.purchase(product, 422, currency="usd", amount=1000)["code"] == "price_is_fixed"


def test_amounts_are_chosen_in_each_currency(shop):
    prices = [{"currency": "usd", "amount": 600, "suggested_amount": 1200}]
    product = shop.product(amount=500, pay_what_you_want=True, other_prices=prices)
    assert shop.purchase(product, currency="usd", amount=777)["payment"]["amount"] == 777
    problem = shop.purchase(product, 422, currency="usd", amount=599)
    assert (problem["code"], problem["minimum"], problem["currency"]) == ("amount_too_small", 600, "usd")
    fixed = shop.change(product, pay_what_you_want=False)
    assert fixed["other_prices"] == [{"currency": "usd", "amount": 600, "suggested_amount": None}]


def test_a_coupon_of_an_amount_is_only_for_its_currency(shop):
    product = shop.product(other_prices=OTHERS)
    shop.coupon(code="DOLLARS", amount_off=100, currency="usd")
    shop.coupon(code="HALF", percent_off=50)
    assert shop.purchase(product, 422, coupon="DOLLARS")["code"] == "coupon_not_valid"
    payment = shop.purchase(product, coupon="DOLLARS", currency="usd")["payment"]
    assert (payment["amount"], payment["discount"], payment["currency"]) == (1000, 100, "usd")
    assert shop.purchase(product, coupon="HALF", currency="jpy")["payment"]["amount"] == 750


def test_a_report_in_another_currency_settles_nothing(shop):
    product = shop.product(other_prices=OTHERS)
    payment = shop.purchase(product, currency="usd")["payment"]
    with pytest.raises(Exception, match="currency"):
        shop.settle(payment, currency="eur")


@pytest.mark.parametrize(
    ("prices", "code"),
    [
        ([{"currency": "eur", "amount": 1}], "prices_contradict"),
        ([OTHERS[0], OTHERS[0]], "prices_contradict"),
        ([{"currency": "usd", "amount": 900, "suggested_amount": 1000}], "prices_contradict"),
        ([{"currency": "usd", "amount": 49}], "price_refused"),
        ([{"currency": "xxx", "amount": 900}], "invalid_input"),
        ([{"currency": "usd"}], "invalid_input"),
    ],
)
def test_prices_that_cannot_be_are_refused(shop, prices, code):
    assert shop.product(422, other_prices=prices)["code"] == code
