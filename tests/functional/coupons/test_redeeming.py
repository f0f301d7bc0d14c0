"""Purchases with a coupon: the price, the limits, and the redemptions."""

from datetime import UTC, datetime, timedelta

import pytest

from autonomy_core.coupons.redemption import WRONG_CODES
from autonomy_core.testing import stand_ins

HOUR = timedelta(hours=1)


def at(moment):
    return moment.isoformat()


def test_a_coupon_reduces_the_price_and_is_recorded(shop):
    coupon = shop.coupon(code="SPRING", percent_off=25)
    payment = shop.purchase(coupon="spring")["payment"]
    assert (payment["amount"], payment["discount"], payment["coupon"]) == (900, 300, "SPRING")
    assert shop.usage(coupon) == (1, 0)
    shop.settle(payment)
    assert shop.usage(coupon) == (0, 1)
    opened = shop.timeline(payment)[0]["detail"]
    assert (opened["discount"], opened["coupon"]) == (300, "SPRING")


def test_without_a_coupon_the_full_price_is_paid(shop):
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
def test_an_invalid_code_is_refused_without_the_reason(shop, values):
    if "product_ids" in values:
        values = {"product_ids": [str(shop.autonomy.product().id)]}
    coupon = {"code": "SPRING", "percent_off": 25, **values}
    shop.coupon(**{name: value for name, value in coupon.items() if value is not None})
    problem = shop.purchase(422, coupon="SPRING")
    assert problem["code"] == "coupon_not_valid"
    assert "detail" not in problem


def test_a_coupon_without_effect_is_not_used_up(shop):
    shop.product = shop.autonomy.product(amount=0)
    coupon = shop.coupon(code="SPRING", percent_off=25)
    assert shop.purchase(422, coupon="SPRING")["code"] == "coupon_not_valid"
    assert shop.usage(coupon) == (0, 0)


def test_too_many_wrong_codes_refuse_the_right_one_for_a_while(shop):
    shop.coupon(code="SPRING", percent_off=25)
    for number in range(WRONG_CODES.attempts):
        shop.purchase(422, coupon=f"GUESS{number}")
    problem = shop.purchase(429, coupon="SPRING")
    assert problem["code"] == "too_many_requests"
    assert problem["retry_after"] > 0
    shop.purchase(201)
    shop.another_customer("eve@example.org")
    shop.purchase(201, coupon="SPRING")


def test_valid_codes_do_not_count_as_guesses(shop):
    shop.coupon(code="SPRING", percent_off=25)
    shop.purchase(201, coupon="SPRING")
    for _ in range(WRONG_CODES.attempts + 1):
        shop.purchase(200, coupon="SPRING")


def test_a_coupon_for_the_whole_price_completes_the_payment_at_once(shop):
    coupon = shop.coupon(code="GIFT", percent_off=100)
    answer = shop.purchase(201, coupon="GIFT")
    assert (answer["payment"]["status"], answer["checkout_url"]) == ("completed", None)
    assert (answer["payment"]["amount"], answer["payment"]["discount"]) == (0, 1200)
    assert shop.usage(coupon) == (0, 1)
    assert shop.purchase(409, coupon="GIFT")["code"] == "already_owned"


def test_a_fully_discounted_purchase_needs_no_provider(shop):
    shop.autonomy.organisation("acme", plugins=("granting",))
    shop.coupon(code="GIFT", amount_off=5000)
    shop.coupon(code="HALF", percent_off=50)
    assert shop.purchase(503, coupon="HALF")["code"] == "payments_unavailable"
    assert shop.purchase(201, coupon="GIFT")["payment"]["status"] == "completed"


def test_an_open_checkout_is_reused_only_with_the_same_coupon(shop):
    shop.coupon(code="SPRING", percent_off=25)
    plain = shop.purchase(201)["payment"]
    reduced = shop.purchase(201, coupon="SPRING")["payment"]
    assert reduced["id"] != plain["id"]
    assert shop.purchase(200, coupon="SPRING")["payment"] == reduced
    # The plain one's checkout was closed for it.
    assert shop.purchase(201)["payment"]["id"] != plain["id"]


def test_two_coupons_of_equal_effect_have_separate_checkouts(shop):
    shop.coupon(code="ONE", percent_off=25)
    shop.coupon(code="TWO", amount_off=300)
    assert shop.purchase(201, coupon="ONE")["payment"]["amount"] == 900
    assert shop.purchase(201, coupon="TWO")["payment"]["amount"] == 900


def test_a_reservation_counts_towards_the_limit_until_it_ends(shop):
    coupon = shop.coupon(code="SPRING", percent_off=25, max_redemptions=1)
    first = shop.purchase(201, coupon="SPRING")["payment"]
    shop.another_customer("eve@example.org")
    assert shop.purchase(409, coupon="SPRING")["code"] == "coupon_used_up"
    shop.settle(first, "expired")
    assert shop.usage(coupon) == (0, 0)
    shop.settle(shop.purchase(201, coupon="SPRING")["payment"])
    shop.another_customer("mallory@example.org")
    assert shop.purchase(409, coupon="SPRING")["code"] == "coupon_used_up"


def test_a_purchase_refused_for_the_limit_leaves_no_payment(shop):
    shop.coupon(code="SPRING", percent_off=25, max_redemptions=1)
    shop.purchase(201, coupon="SPRING")
    shop.another_customer("eve@example.org")
    shop.purchase(409, coupon="SPRING")
    headers = shop.autonomy.as_customer(shop.customer)
    assert shop.autonomy.app.get("/acme/api/v1/customers/payments", headers=headers).json["items"] == []


def test_the_limit_per_customer_is_kept(shop):
    shop.coupon(code="SPRING", percent_off=25, max_per_customer=1)
    shop.settle(shop.purchase(201, coupon="SPRING")["payment"])
    shop.product = shop.autonomy.product()
    assert shop.purchase(409, coupon="SPRING")["code"] == "coupon_used_up"
    shop.another_customer("eve@example.org")
    shop.purchase(201, coupon="SPRING")


def test_a_new_price_takes_over_the_coupon_of_the_old_checkout(shop):
    coupon = shop.coupon(code="SPRING", percent_off=25, max_redemptions=1)
    shop.purchase(201, coupon="SPRING")
    path = f"/acme/api/v1/admin/products/{shop.product.id}"
    shop.autonomy.app.patch_json(path, {"amount": 2000}, headers=shop.staff)
    assert shop.purchase(201, coupon="SPRING")["payment"]["amount"] == 1500
    assert shop.usage(coupon) == (1, 0)


def test_a_late_payment_may_exceed_the_limit_and_is_journalled(shop):
    coupon = shop.coupon(code="SPRING", percent_off=25, max_redemptions=1)
    late = shop.purchase(201, coupon="SPRING")["payment"]
    shop.settle(late, "expired")
    shop.another_customer("eve@example.org")
    shop.settle(shop.purchase(201, coupon="SPRING")["payment"])
    assert shop.settle(late).status == "completed"
    assert shop.usage(coupon) == (0, 2)
    (again,) = [entry for entry in shop.timeline(late) if entry["kind"] == "coupon_taken_again"]
    assert again["detail"] == {"coupon": "SPRING", "after": "used"}


def test_a_refund_does_not_release_the_coupon(shop):
    coupon = shop.coupon(code="SPRING", percent_off=25, max_per_customer=1)
    payment = shop.purchase(201, coupon="SPRING")["payment"]
    shop.settle(payment)
    path = f"/acme/api/v1/admin/payments/{payment['id']}/refunds"
    refund = shop.autonomy.app.post_json(path, {"reason": "a wish"}, headers=shop.staff).json
    assert refund["amount"] == 900
    assert shop.usage(coupon) == (0, 1)
    assert shop.purchase(409, coupon="SPRING")["code"] == "coupon_used_up"


def test_test_redemptions_do_not_count_in_live(shop):
    coupon = shop.coupon(code="GIFT", percent_off=100, max_redemptions=1)
    shop.purchase(201, coupon="GIFT")
    assert shop.usage(coupon) == (0, 1)
    # An organisation without a payment provider sells in live.
    shop.autonomy.organisation("acme", plugins=("granting",))
    assert shop.usage(coupon) == (0, 0)
    shop.purchase(201, coupon="GIFT")
    assert shop.usage(coupon) == (0, 1)


def test_a_free_purchase_with_a_coupon_closes_the_open_checkout(shop, monkeypatch):
    closed = []
    monkeypatch.setattr(
        stand_ins.PretendedPayments, "expire", lambda self, scope, payment_id: closed.append(str(payment_id))
    )
    plain = shop.purchase(201)["payment"]
    shop.coupon(code="GIFT", percent_off=100)
    shop.purchase(201, coupon="GIFT")
    shop.autonomy.run_jobs()
    assert closed == [plain["id"]]
