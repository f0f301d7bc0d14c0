"""To buy with a coupon: what is paid, whose coupon it is, and how often."""

from datetime import UTC, datetime, timedelta

import pytest

from autonomy_core.coupons.domain import MISSES
from autonomy_core.testing import stand_ins

HOUR = timedelta(hours=1)


def at(moment):
    return moment.isoformat()


def test_a_coupon_is_taken_off_the_price_and_kept_with_the_payment(shop):
    coupon = shop.coupon(code="SPRING", percent_off=25)
    payment = shop.purchase(coupon="spring")["payment"]
    assert (payment["amount"], payment["discount"], payment["coupon"]) == (900, 300, "SPRING")
    assert shop.usage(coupon) == (1, 0)
    shop.settle(payment)
    assert shop.usage(coupon) == (0, 1)
    opened = shop.timeline(payment)[0]["detail"]
    assert (opened["discount"], opened["coupon"]) == (300, "SPRING")


def test_without_a_coupon_nothing_is_taken_off(shop):
    payment = shop.purchase()["payment"]
    assert (payment["amount"], payment["discount"], payment["coupon"]) == (1200, 0, None)
    shop.settle(payment)
    assert shop.redemptions() == []


@pytest.mark.parametrize(
    "values",
    [
        {"active": False},
        {"starts_at": at(datetime.now(UTC) + HOUR)},
        {"ends_at": at(datetime.now(UTC) - HOUR)},
        {"percent_off": None, "amount_off": 100, "currency": "gbp"},
        {"code": "OTHER"},
        {"product_ids": "another"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_who_guesses_is_not_told_why_a_code_is_not_valid(shop, values):
    if "product_ids" in values:
        values = {"product_ids": [str(shop.autonomy.product().id)]}
    coupon = {"code": "SPRING", "percent_off": 25, **values}
    shop.coupon(**{name: value for name, value in coupon.items() if value is not None})
    problem = shop.purchase(422, coupon="SPRING")
    assert problem["code"] == "coupon_not_valid"
    assert "detail" not in problem


def test_a_coupon_that_would_take_nothing_off_is_not_spent(shop):
    shop.product = shop.autonomy.product(amount=0)
    coupon = shop.coupon(code="SPRING", percent_off=25)
    assert shop.purchase(422, coupon="SPRING")["code"] == "coupon_not_valid"
    assert shop.usage(coupon) == (0, 0)


def test_who_has_tried_too_many_codes_has_to_wait_even_with_the_right_one(shop):
    shop.coupon(code="SPRING", percent_off=25)
    for number in range(MISSES):
        shop.purchase(422, coupon=f"GUESS{number}")
    problem = shop.purchase(429, coupon="SPRING")
    assert problem["code"] == "too_many_requests"
    assert problem["retry_after"] > 0
    shop.purchase(201)
    shop.another_customer("eve@example.org")
    shop.purchase(201, coupon="SPRING")


def test_right_codes_are_no_guesses(shop):
    shop.coupon(code="SPRING", percent_off=25)
    shop.purchase(201, coupon="SPRING")
    for _ in range(MISSES + 1):
        shop.purchase(200, coupon="SPRING")


def test_a_coupon_for_all_of_it_makes_the_product_the_customers_at_once(shop):
    coupon = shop.coupon(code="GIFT", percent_off=100)
    answer = shop.purchase(201, coupon="GIFT")
    assert (answer["payment"]["status"], answer["checkout_url"]) == ("completed", None)
    assert (answer["payment"]["amount"], answer["payment"]["discount"]) == (0, 1200)
    assert shop.usage(coupon) == (0, 1)
    assert shop.purchase(409, coupon="GIFT")["code"] == "already_owned"


def test_what_a_coupon_pays_for_needs_nobody_who_collects_money(shop):
    shop.autonomy.organisation("acme", plugins=("granting",))
    shop.coupon(code="GIFT", amount_off=5000)
    shop.coupon(code="HALF", percent_off=50)
    assert shop.purchase(503, coupon="HALF")["code"] == "payments_unavailable"
    assert shop.purchase(201, coupon="GIFT")["payment"]["status"] == "completed"


def test_an_open_checkout_is_handed_back_only_with_the_same_coupon(shop):
    shop.coupon(code="SPRING", percent_off=25)
    plain = shop.purchase(201)["payment"]
    reduced = shop.purchase(201, coupon="SPRING")["payment"]
    assert reduced["id"] != plain["id"]
    assert shop.purchase(200, coupon="SPRING")["payment"] == reduced
    # The plain one's checkout was closed for it.
    assert shop.purchase(201)["payment"]["id"] != plain["id"]


def test_of_two_coupons_that_take_off_the_same_each_has_a_checkout_of_its_own(shop):
    shop.coupon(code="ONE", percent_off=25)
    shop.coupon(code="TWO", amount_off=300)
    assert shop.purchase(201, coupon="ONE")["payment"]["amount"] == 900
    assert shop.purchase(201, coupon="TWO")["payment"]["amount"] == 900


def test_a_limit_counts_what_is_reserved_until_that_has_ended(shop):
    coupon = shop.coupon(code="SPRING", percent_off=25, max_redemptions=1)
    first = shop.purchase(201, coupon="SPRING")["payment"]
    shop.another_customer("eve@example.org")
    assert shop.purchase(409, coupon="SPRING")["code"] == "coupon_used_up"
    shop.settle(first, "expired")
    assert shop.usage(coupon) == (0, 0)
    shop.settle(shop.purchase(201, coupon="SPRING")["payment"])
    shop.another_customer("mallory@example.org")
    assert shop.purchase(409, coupon="SPRING")["code"] == "coupon_used_up"


def test_what_is_refused_for_its_limit_leaves_no_payment(shop):
    shop.coupon(code="SPRING", percent_off=25, max_redemptions=1)
    shop.purchase(201, coupon="SPRING")
    shop.another_customer("eve@example.org")
    shop.purchase(409, coupon="SPRING")
    headers = shop.autonomy.as_customer(shop.customer)
    assert shop.autonomy.app.get("/acme/api/v1/customers/payments", headers=headers).json["items"] == []


def test_each_customer_uses_it_as_often_as_they_may(shop):
    shop.coupon(code="SPRING", percent_off=25, max_per_customer=1)
    shop.settle(shop.purchase(201, coupon="SPRING")["payment"])
    shop.product = shop.autonomy.product()
    assert shop.purchase(409, coupon="SPRING")["code"] == "coupon_used_up"
    shop.another_customer("eve@example.org")
    shop.purchase(201, coupon="SPRING")


def test_a_new_price_is_paid_with_the_coupon_that_the_old_checkout_held(shop):
    coupon = shop.coupon(code="SPRING", percent_off=25, max_redemptions=1)
    shop.purchase(201, coupon="SPRING")
    path = f"/acme/api/v1/admin/products/{shop.product.id}"
    shop.autonomy.app.patch_json(path, {"amount": 2000}, headers=shop.staff)
    assert shop.purchase(201, coupon="SPRING")["payment"]["amount"] == 1500
    assert shop.usage(coupon) == (1, 0)


def test_who_pays_late_has_used_it_beyond_its_limit_and_the_journal_says_so(shop):
    coupon = shop.coupon(code="SPRING", percent_off=25, max_redemptions=1)
    late = shop.purchase(201, coupon="SPRING")["payment"]
    shop.settle(late, "expired")
    shop.another_customer("eve@example.org")
    shop.settle(shop.purchase(201, coupon="SPRING")["payment"])
    assert shop.settle(late).status == "completed"
    assert shop.usage(coupon) == (0, 2)
    (again,) = [entry for entry in shop.timeline(late) if entry["kind"] == "coupon_taken_again"]
    assert again["detail"] == {"coupon": "SPRING", "after": "used"}


def test_a_refund_does_not_give_the_coupon_back(shop):
    coupon = shop.coupon(code="SPRING", percent_off=25, max_per_customer=1)
    payment = shop.purchase(201, coupon="SPRING")["payment"]
    shop.settle(payment)
    path = f"/acme/api/v1/admin/payments/{payment['id']}/refunds"
    refund = shop.autonomy.app.post_json(path, {"reason": "a wish"}, headers=shop.staff).json
    assert refund["amount"] == 900
    assert shop.usage(coupon) == (0, 1)
    assert shop.purchase(409, coupon="SPRING")["code"] == "coupon_used_up"


def test_what_was_used_in_test_is_not_used_up_in_live(shop):
    coupon = shop.coupon(code="GIFT", percent_off=100, max_redemptions=1)
    shop.purchase(201, coupon="GIFT")
    assert shop.usage(coupon) == (0, 1)
    # Who has nobody who collects money sells in live.
    shop.autonomy.organisation("acme", plugins=("granting",))
    assert shop.usage(coupon) == (0, 0)
    shop.purchase(201, coupon="GIFT")
    assert shop.usage(coupon) == (0, 1)


def test_a_checkout_that_is_open_when_a_coupon_pays_for_all_is_closed_by_the_worker(shop, monkeypatch):
    closed = []
    monkeypatch.setattr(
        stand_ins.PretendedPayments, "expire", lambda self, scope, payment_id: closed.append(str(payment_id))
    )
    plain = shop.purchase(201)["payment"]
    shop.coupon(code="GIFT", percent_off=100)
    shop.purchase(201, coupon="GIFT")
    shop.autonomy.run_jobs()
    assert closed == [plain["id"]]
