"""Late, wrong, partial and missing answers of Stripe: nothing is done twice and nothing is lost."""

import pytest
import stripe
from sqlalchemy import select

from autonomy_core.payments.models import Payment, PaymentRefund
from autonomy_core.payments.purchasing import give_up
from autonomy_core.plugin_api.errors import Unavailable
from stripe_payments.api import client
from stripe_payments.checkout.provider import StripeCheckout
from tests.functional.stripe_payments.shop import Shop

SESSIONS, REFUNDS = "/v1/checkout/sessions", "/v1/refunds"

PASSING = [
    {"status": status, "after": after}
    for status in ("409", "500", "close", "stall")
    for after in ("false", "true")
]
"""Faults that the SDK retries by itself, before and after Stripe has executed the call."""


@pytest.fixture(autouse=True)
def impatient(simulator, monkeypatch):
    """The pauses and time-outs are short here."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.01)
    monkeypatch.setattr(stripe.HTTPClient, "MAX_DELAY", 0.01)
    monkeypatch.setattr(client._connections(simulator.url), "_timeout", (3, 0.5))


@pytest.fixture
def spoil(shop):
    """Let calls of Stripe's API go wrong; what has not by the end of the test never does."""

    def plan(**fault):
        shop.at_stripe("faults", **{"times": "1", "seconds": "2", **fault})

    yield plan
    shop.simulator.simulator.faults.clear()


def identify(fault):
    return f"{fault['status']}-{'after' if fault['after'] == 'true' else 'before'}"


@pytest.mark.parametrize("fault", PASSING, ids=identify)
def test_a_purchase_survives_a_fault_with_one_session(shop, spoil, fault):
    spoil(path=SESSIONS, **fault)
    answer = shop.purchase(201).json
    (session,) = shop.ledger("sessions")
    assert answer["checkout_url"] == session["url"]
    assert [payment.status for payment in shop.rows(Payment)] == ["pending"]


@pytest.mark.parametrize("fault", PASSING, ids=identify)
def test_a_refund_survives_a_fault_and_is_made_once(shop, spoil, fault):
    sold = shop.sell()
    spoil(path=REFUNDS, method="POST", **fault)
    assert shop.refund(sold, amount=500).json["status"] == "succeeded"
    assert [refund["amount"] for refund in shop.ledger("refunds")] == [500]
    assert [refund.status for refund in shop.rows(PaymentRefund)] == ["succeeded"]


@pytest.mark.parametrize("status", ["429", "close"])
def test_a_purchase_during_lasting_faults_is_a_503(shop, spoil, status):
    spoil(status=status, path=SESSIONS, times="3", after="true")
    assert shop.purchase(503).json["code"] == "unavailable"
    shop.simulator.simulator.faults.clear()
    answer = shop.purchase(201).json
    shop.visit(answer["checkout_url"], "pay")
    shop.post_events()
    assert sorted(payment.status for payment in shop.rows(Payment)) == ["completed", "failed"]
    assert len(shop.grants()) == 1


def test_a_double_click_with_one_failed_call_is_one_payment(shop):
    bought = []

    def fails_when_the_other_is_done(*_):
        half.undo()
        bought.append(shop.purchase(200).json)
        raise Unavailable(client.NO_ANSWER)

    half = pytest.MonkeyPatch()
    half.setattr(StripeCheckout, "begin_checkout", fails_when_the_other_is_done)
    assert shop.purchase(503).json["code"] == "unavailable"
    assert shop.purchase(200).json["payment"]["id"] == bought[0]["payment"]["id"]
    assert [payment.status for payment in shop.rows(Payment)] == ["pending"]


@pytest.mark.concurrent
def test_a_late_answer_hands_out_no_page_of_a_failed_payment(committed, simulator):
    shop = Shop(committed, simulator)
    real, half = StripeCheckout.begin_checkout, pytest.MonkeyPatch()

    def the_other_fails_first(*arguments):
        half.undo()
        page = real(*arguments)
        with shop.scope() as scope:
            (payment,) = scope.session.scalars(select(Payment))
            give_up(scope, payment, client.NO_ANSWER)
        return page

    half.setattr(StripeCheckout, "begin_checkout", the_other_fails_first)
    assert shop.purchase(503).json["code"] == "unavailable"
    shop.purchase(201)
    assert sorted(payment.status for payment in shop.rows(Payment)) == ["failed", "pending"]


@pytest.mark.parametrize("status", ["429", "close"])
def test_a_refund_during_lasting_faults_is_accepted_and_made_later(shop, spoil, status):
    sold = shop.sell()
    spoil(status=status, path=REFUNDS, method="POST", times="3", after="true")
    assert shop.refund(sold, status=202).json["status"] == "requested"
    shop.simulator.simulator.faults.clear()
    assert shop.autonomy.run_jobs(shop.id) == []
    assert (shop.status(sold), len(shop.ledger("refunds"))) == ("refunded", 1)


def test_a_refund_with_an_unknown_status_is_checked_again(shop, monkeypatch):
    sold = shop.sell()
    real = client.create_refund
    with monkeypatch.context() as of_next_year:
        of_next_year.setattr(
            client, "create_refund", lambda *order: real(*order) | {"status": "of_next_year"}
        )
        assert shop.refund(sold, status=202).json["status"] == "requested"
    assert shop.autonomy.run_jobs(shop.id) == []
    assert (shop.status(sold), len(shop.ledger("refunds"))) == ("refunded", 1)
