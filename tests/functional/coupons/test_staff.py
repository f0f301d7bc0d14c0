"""Staff make coupons, look at them, and change what may be changed."""

from uuid import uuid4

import pytest


def test_a_new_coupon_is_listed_with_its_usage(shop):
    made = shop.coupon(code="Spring-26", percent_off=25, max_redemptions=5)
    assert (made["code"], made["percent_off"], made["amount_off"]) == ("SPRING-26", 25, None)
    assert (made["used"], made["reserved"], made["active"], made["product_ids"]) == (0, 0, True, None)
    listed = shop.autonomy.app.get("/acme/api/v1/admin/coupons", headers=shop.staff).json["items"]
    assert listed == [made]


def test_an_amount_defaults_to_the_organisations_currency(shop):
    assert shop.coupon(code="ONE", amount_off=500)["currency"] == "eur"
    assert shop.coupon(code="TWO", amount_off=500, currency="gbp")["currency"] == "gbp"


def test_a_code_is_unique_in_every_spelling(shop):
    shop.coupon(code="SPRING", percent_off=10)
    assert shop.coupon(409, code="spring", percent_off=20)["code"] == "coupon_exists"


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"percent_off": 10, "amount_off": 10},
        {"percent_off": 0},
        {"percent_off": 101},
        {"amount_off": 0},
        {"percent_off": 10, "currency": "eur"},
        {"amount_off": 10, "currency": "xau"},
        {"percent_off": 10, "max_redemptions": 0},
        {"percent_off": 10, "product_ids": []},
        {"percent_off": 10, "starts_at": "2026-05-02T00:00:00Z", "ends_at": "2026-05-01T00:00:00Z"},
        {"percent_off": 10, "starts_at": "2026-05-01T00:00:00"},
        {"percent_off": 10, "starts_at": "0001-01-01T00:00:00+14:00"},
        {"percent_off": 10, "code": "two words"},
    ],
)
def test_an_invalid_coupon_is_refused(shop, values):
    assert shop.coupon(422, **{"code": "SPRING", **values})["code"] == "invalid_input"


def test_a_coupon_for_an_unknown_product_is_refused(shop):
    problem = shop.coupon(422, code="SPRING", percent_off=10, product_ids=[str(uuid4())])
    assert problem["code"] == "unknown_product"


def test_everything_but_the_discount_can_be_changed(shop):
    coupon = shop.coupon(code="SPRING", percent_off=10, product_ids=[str(shop.product.id)])
    ends_at = "2030-01-01T00:00:00Z"
    changed = shop.change(coupon, max_per_customer=1, ends_at=ends_at, active=False, product_ids=None)
    expected = coupon | {
        "max_per_customer": 1,
        "ends_at": ends_at,
        "active": False,
        "product_ids": None,
        "updated_at": changed["updated_at"],
    }
    assert changed == expected
    other = shop.autonomy.product()
    for product_ids in ([str(other.id)], [str(other.id), str(shop.product.id)]):
        assert set(shop.change(coupon, product_ids=product_ids)["product_ids"]) == set(product_ids)
    assert shop.change(coupon, 422, starts_at="2031-01-01T00:00:00Z")["code"] == "invalid_input"
    assert shop.change(coupon, 422, percent_off=20)["code"] == "invalid_input"


def test_a_read_only_key_cannot_create_or_change_coupons(shop):
    coupon = shop.coupon(code="SPRING", percent_off=10)
    shop.staff = shop.autonomy.as_staff(scopes=("catalog.read",))
    assert shop.usage(coupon) == (0, 0)
    assert shop.coupon(403, code="OTHER", percent_off=10)["code"] == "not_allowed"
    assert shop.change(coupon, 403, active=False)["code"] == "not_allowed"
