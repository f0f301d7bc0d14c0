"""Coupons with Stripe: it collects the discounted price, and is not called for a free purchase."""

from unittest.mock import Mock

import pytest

from autonomy_core.plugin_api.errors import Unavailable
from stripe_payments.api import client


@pytest.fixture
def coupon(shop):
    def make(**values):
        return shop.as_staff("post", "coupons", values, 201).json

    return make


def test_stripe_collects_the_discounted_price(shop, coupon):
    coupon(code="SPRING", percent_off=25)
    answer = shop.purchase(coupon="SPRING").json
    (session,) = shop.ledger("sessions")
    assert session["amount_total"] == answer["payment"]["amount"] == 900
    shop.visit(answer["checkout_url"], "pay")
    shop.post_events()
    assert shop.owns()


def test_a_fully_discounted_product_is_granted_without_stripe(shop, coupon):
    coupon(code="GIFT", percent_off=100)
    assert shop.purchase(coupon="GIFT").json["payment"]["status"] == "completed"
    assert shop.owns()
    assert shop.ledger("sessions") == []


def test_an_amount_below_stripes_minimum_is_refused_before_the_call(shop, coupon):
    coupon(code="NEARLY", amount_off=1190)
    problem = shop.purchase(409, coupon="NEARLY").json
    assert problem["code"] == "discount_refused"
    assert problem["detail"].startswith("10 eur would remain to be paid. Stripe collects at least")
    assert shop.ledger("sessions") == []


def test_another_coupon_closes_the_open_checkout(shop, coupon):
    coupon(code="SPRING", percent_off=25)
    shop.purchase()
    shop.purchase(coupon="SPRING")
    by_amount = {session["amount_total"]: session["status"] for session in shop.ledger("sessions")}
    assert by_amount == {1200: "expired", 900: "open"}


def open_pages(shop):
    return [session["url"] for session in shop.ledger("sessions") if session["status"] == "open"]


def test_returning_to_the_first_terms_gives_an_open_page(shop, coupon):
    coupon(code="SPRING", percent_off=25)
    shop.purchase()
    shop.purchase(coupon="SPRING")
    answer = shop.purchase().json
    assert open_pages(shop) == [answer["checkout_url"]]


def test_returning_to_the_first_coupon_reserves_it_again(shop, coupon):
    made = coupon(code="SPRING", percent_off=25, max_redemptions=1)
    shop.purchase(coupon="SPRING")
    shop.purchase()
    shop.purchase(coupon="SPRING")
    assert shop.as_staff("get", f"coupons/{made['id']}").json["reserved"] == 1


def test_a_checkout_that_could_not_be_closed_is_closed_by_a_job(shop, coupon, monkeypatch):
    coupon(code="SPRING", percent_off=25)
    shop.purchase()
    with monkeypatch.context() as interrupted:
        interrupted.setattr(client, "expire_session", Mock(side_effect=Unavailable(client.NO_ANSWER)))
        answer = shop.purchase(coupon="SPRING").json
    assert len(open_pages(shop)) == 2
    shop.autonomy.run_jobs(shop.id)
    assert open_pages(shop) == [answer["checkout_url"]]
