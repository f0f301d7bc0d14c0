"""Taxes that Stripe computes: they are in the price, in the receipt and in the list of payments."""

import pytest
from sqlalchemy import select

from autonomy_core.payments.models import Payment
from autonomy_core.payments.notices import receipt_values


@pytest.fixture
def shop(shop):
    shop.configure(automatic_tax="yes")
    return shop


def receipt(shop):
    with shop.scope() as scope:
        return receipt_values(scope, scope.session.scalars(select(Payment)).one())


def shown(shop):
    (payment,) = shop.as_staff("get", "payments").json["items"]
    return payment["status"], payment["amount"], payment["tax"]


@pytest.mark.parametrize("told_by", ["webhook", "query"])
def test_the_tax_is_part_of_the_price(shop, told_by):
    answer = shop.purchase().json
    assert shown(shop) == ("pending", 1200, None)
    shop.visit(answer["checkout_url"], "pay")
    (session,) = shop.ledger("sessions")
    assert (session["amount_total"], session["total_details"]["amount_tax"]) == (1200, 200)
    if told_by == "webhook":
        shop.post_events()
        # A repeated delivery changes nothing.
        shop.post_events()
    else:
        shop.autonomy.run_jobs(shop.id, within_s=86_400)
    assert shop.owns()
    assert shown(shop) == ("completed", 1200, 200)
    assert receipt(shop)["taxes"] == [{"name": None, "amount": 200}]


def test_a_shop_without_the_setting_has_no_tax_lines(shop):
    shop.configure(automatic_tax="no")
    shop.visit(shop.purchase().json["checkout_url"], "pay")
    shop.post_events()
    assert shown(shop) == ("completed", 1200, None)
    assert receipt(shop)["taxes"] == []


def test_a_tax_that_was_added_to_the_price_is_no_proof(shop):
    """The payment says 1200. What Stripe has collected must be exactly that."""
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    (event,) = shop.events()
    event["data"]["object"] |= {
        "amount_total": 1440,
        "total_details": {"amount_discount": 0, "amount_tax": 240},
    }
    shop.post(event)
    assert shown(shop) == ("pending", 1200, None)
    assert not shop.owns()
